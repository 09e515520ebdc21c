package io.spanfold.job.preflight;

import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.job.config.SpanfoldConfig;

/**
 * All checks of servers. They read, but for a key in each Redis node that is gone after a second.
 * They take a second or two; up to three more where a job that has ended left its lease; about half
 * a minute where a server does not answer.
 */
public final class PreflightChecks {

  private PreflightChecks() {}

  /**
   * Asks all servers, and finds all that is wrong.
   *
   * @param redis how the job reaches Redis
   * @param lease how it will ask for the lease
   * @param start how it is about to start
   */
  public static CheckReport run(
      SpanfoldConfig config, ConnectionSettings redis, LeaseSettings lease, JobStart start)
      throws InterruptedException {
    CheckReport findings = new CheckReport();
    new KafkaCheck(config, start, findings).run();
    if (new RedisCheck(config.redis(), redis, findings).run()) {
      new LeaseCheck(lease, start, findings).run();
    }
    return findings;
  }
}
