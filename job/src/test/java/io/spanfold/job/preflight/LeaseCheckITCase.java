package io.spanfold.job.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.lease.LeaseAnswer;
import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.preflight.PreflightChecks.JobStart;
import io.spanfold.job.preflight.PreflightChecks.Submission;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reports about a buffer that another job uses, or used. */
@Timeout(60)
class LeaseCheckITCase {

  private static final Duration TTL = Duration.ofSeconds(30);
  private static final Duration RENEWAL = Duration.ofMillis(300);
  private static final String JOB = "6f0c2b1de7a94c3c8a5d0f4e9b7a6c21";
  private static final LeaseClaim CLAIM = new LeaseClaim("main", JOB, "a".repeat(32), 0);
  private static final JobStart START = start(Submission.NEW_JOB, null);

  @TempDir Path directory;
  private RedisNode redis;
  private LeaseStore other;
  private ScheduledExecutorService renewals;

  @BeforeEach
  void start() {
    redis = RedisNode.start(RedisNode.Options.in(directory));
    other = new LeaseStore(redis());
    renewals = Executors.newSingleThreadScheduledExecutor();
  }

  @AfterEach
  void stop() throws InterruptedException {
    renewals.shutdownNow();
    assertThat(renewals.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
    other.close();
    redis.close();
  }

  @Test
  void runningJobIsReported() throws Exception {
    LeaseAnswer held = keepRenewing();

    assertThat(check(START).problems())
        .containsExactly(
            "The Redis at ["
                + redis.uri()
                + "] has been the buffer main of job "
                + JOB
                + " since "
                + held.since()
                + ", and that job is running; stop it and start this one from its savepoint, or give"
                + " this job (redis.buffer second) a Redis of its own.");
  }

  @Test
  void freeOrExpiringLeaseIsNotReported() throws Exception {
    assertThat(check(START).problems()).as("free").isEmpty();

    LeaseAnswer held = other.take(CLAIM, TTL);
    assertThat(check(START).problems()).as("of a job that was killed").isEmpty();

    other.release(held.epoch(), Duration.ofMillis(200));
    assertThat(check(START).problems()).as("of a job that has ended").isEmpty();
  }

  @Test
  void runningJobIsNotReportedToItsSuccessor() throws Exception {
    keepRenewing();

    assertThat(check(start(Submission.RESTORED_JOB, null)).problems()).as("a restore").isEmpty();
    assertThat(check(start(Submission.PLAN, null)).problems()).as("a plan of the next").isEmpty();
    assertThat(check(start(Submission.NEW_JOB, JOB)).problems()).as("the same job again").isEmpty();
    assertThat(check(start(Submission.NEW_JOB, "0".repeat(32))).problems())
        .as("another")
        .hasSize(1);
  }

  @Test
  void unreachableRedisCausesAWarning() throws Exception {
    redis.stop();

    CheckReport report = check(START);

    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings())
        .singleElement()
        .asString()
        .startsWith("It is unknown whether another job uses the Redis at [" + redis.uri());
  }

  private LeaseAnswer keepRenewing() {
    LeaseAnswer held = other.take(CLAIM, TTL);
    renewals.scheduleWithFixedDelay(
        () -> other.renew(CLAIM, held, TTL), 0, RENEWAL.toMillis(), TimeUnit.MILLISECONDS);
    return held;
  }

  private CheckReport check(JobStart start) throws InterruptedException {
    CheckReport report = new CheckReport();
    LeaseSettings settings = new LeaseSettings(redis(), "second", TTL, RENEWAL);
    new RedisCheck(null, redis(), report).checkLease(settings, start);
    return report;
  }

  private static JobStart start(Submission submission, String jobId) {
    return new JobStart(submission, Optional.ofNullable(jobId), Duration.ofMinutes(10));
  }

  private ConnectionSettings redis() {
    return ConnectionSettings.of(List.of(redis.uri()));
  }
}
