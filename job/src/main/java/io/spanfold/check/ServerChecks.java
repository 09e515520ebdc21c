package io.spanfold.check;

import io.spanfold.config.SpanfoldConfig;
import io.spanfold.lease.LeaseSettings;
import io.spanfold.store.StoreSettings;

/**
 * All checks of servers. They read, but for a key in each Redis node that is gone after a second.
 * They take a second or two; up to three more where a job that has ended left its lease; about half
 * a minute where a server does not answer.
 */
public final class ServerChecks {

  private ServerChecks() {}

  /**
   * Asks all servers, and finds all that is wrong.
   *
   * @param store how the job reaches Redis
   * @param lease how it will ask for the lease
   * @param start how it is about to start
   */
  public static Findings run(
      SpanfoldConfig config, StoreSettings store, LeaseSettings lease, JobStart start)
      throws InterruptedException {
    Findings findings = new Findings();
    new KafkaCheck(config, start, findings).run();
    if (new RedisCheck(config.redis(), store, findings).run()) {
      new LeaseCheck(lease, start, findings).run();
    }
    return findings;
  }
}
