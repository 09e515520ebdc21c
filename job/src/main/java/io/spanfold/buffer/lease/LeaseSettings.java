package io.spanfold.buffer.lease;

import io.spanfold.buffer.StoreSettings;
import java.io.Serializable;
import java.time.Duration;

/**
 * How the lease of a buffer is kept.
 *
 * @param store where; with short bounds on time, as a process asks each {@code renewal}
 * @param buffer name of the buffer, told to whoever is refused
 * @param ttl how long the lease lasts without being renewed: what a job waits for at most that is
 *     started after another one died
 * @param renewal how often it is renewed
 * @param released how long it lasts after a process of the job has no task any more: long enough
 *     for the renewals of others to come through
 * @param patience how long to wait for a lease that another job has before being refused. Longer
 *     than {@code ttl}, so that who is refused has seen it renewed; and than the time in which task
 *     managers give up a job whose job manager is gone (Flink's {@code heartbeat.timeout})
 */
public record LeaseSettings(
    StoreSettings store,
    String buffer,
    Duration ttl,
    Duration renewal,
    Duration released,
    Duration patience)
    implements Serializable {

  private static final Duration TTL = Duration.ofSeconds(30);
  private static final Duration RENEWAL = Duration.ofSeconds(1);
  private static final Duration RELEASED = Duration.ofSeconds(3);
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(2);

  /** A call that fails is made again by the next renewal. */
  private static final Duration CALL_RETRIES = Duration.ofMillis(500);

  /** How many renewals may be missing before it is asked again whether the lease is still ours. */
  private static final int RENEWALS_TRUSTED = 5;

  /** Returns the usual settings for a buffer. */
  public static LeaseSettings of(StoreSettings store, String buffer) {
    return new LeaseSettings(
        store.withTimeouts(CALL_TIMEOUT, CALL_TIMEOUT, CALL_RETRIES),
        buffer,
        TTL,
        RENEWAL,
        RELEASED,
        PATIENCE);
  }

  /** Returns these settings with other times. */
  public LeaseSettings withTimes(
      Duration ttl, Duration renewal, Duration released, Duration patience) {
    return new LeaseSettings(store, buffer, ttl, renewal, released, patience);
  }

  /**
   * Returns for how long an answer of Redis is believed. A process that was stalled for longer asks
   * before it does anything.
   */
  public Duration trusted() {
    return renewal.multipliedBy(RENEWALS_TRUSTED);
  }
}
