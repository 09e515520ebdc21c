package io.spanfold.buffer.lease;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import java.io.Serializable;
import java.time.Duration;

/**
 * The timing of the lease of a buffer. All other times follow from {@code ttl} and {@code renewal}.
 *
 * @param redis the Redis that holds it
 * @param buffer name of the buffer, shown to a refused job
 * @param ttl how long the lease lasts without a renewal: the longest wait of a job that starts
 *     after a crash of another one
 * @param renewal delay between two renewals
 */
public record LeaseSettings(ConnectionSettings redis, String buffer, Duration ttl, Duration renewal)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  private static final Duration TTL = Duration.ofSeconds(30);
  private static final Duration RENEWAL = Duration.ofSeconds(1);

  /** The next renewal repeats a call that failed. */
  private static final Timeouts CALL =
      new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofMillis(500));

  /** Gives {@code redis} short timeouts. */
  public LeaseSettings {
    redis = redis.within(CALL);
  }

  /** Returns the settings of a running job: a TTL of 30 s, and a renewal each second. */
  public static LeaseSettings of(ConnectionSettings redis, String buffer) {
    return new LeaseSettings(redis, buffer, TTL, RENEWAL);
  }

  /**
   * Returns how long the lease lasts after a process of the job has no task left: long enough for
   * the renewals of other processes.
   */
  public Duration released() {
    return renewal.multipliedBy(3);
  }

  /**
   * Returns how long an answer of Redis is trusted. A process that was stalled for longer asks
   * again before it does anything.
   */
  public Duration trusted() {
    return renewal.multipliedBy(5);
  }

  /**
   * Returns how long to wait for a lease that another job holds. Longer than {@code ttl}, so that a
   * refused job has seen the lease renewed. The default of one minute is also longer than Flink's
   * {@code heartbeat.timeout}, after which task managers give up a job whose job manager is gone.
   */
  public Duration acquireTimeout() {
    return ttl.multipliedBy(2);
  }
}
