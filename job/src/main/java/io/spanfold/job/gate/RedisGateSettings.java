package io.spanfold.job.gate;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import java.io.Serializable;
import java.time.Duration;

/**
 * The target and limits of a {@link RedisGate}.
 *
 * @param redis the Redis
 * @param maxFraction share of a node's {@code maxmemory} from which on it counts as full
 * @param interval delay between two questions
 */
public record RedisGateSettings(ConnectionSettings redis, double maxFraction, Duration interval)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  private static final Duration INTERVAL = Duration.ofMillis(500);

  /** A node that does not answer within 2 s hangs: nothing is read until it does. No retries. */
  private static final Timeouts TIMEOUTS =
      new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofMillis(1));

  /** Gives {@code redis} short timeouts. */
  public RedisGateSettings {
    redis = redis.within(TIMEOUTS);
  }

  /** Returns the settings of a running job. */
  public static RedisGateSettings of(ConnectionSettings redis, double maxFraction) {
    return new RedisGateSettings(redis, maxFraction, INTERVAL);
  }
}
