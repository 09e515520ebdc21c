package io.spanfold.job.memory;

import io.spanfold.buffer.StoreSettings;
import java.io.Serializable;
import java.time.Duration;

/**
 * What a {@link RedisMemoryMonitor} watches.
 *
 * @param store the Redis, with short bounds on time
 * @param maxFraction share of a node's {@code maxmemory} from which on it counts as full
 * @param interval how often it asks
 */
public record RedisMemoryMonitorSettings(StoreSettings store, double maxFraction, Duration interval)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  private static final Duration INTERVAL = Duration.ofMillis(500);

  /** A node that is silent for longer is hanging: nothing should be read for it meanwhile. */
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(2);

  private static final Duration NO_RETRIES = Duration.ofMillis(1);

  /** Returns the usual settings. */
  public static RedisMemoryMonitorSettings of(StoreSettings store, double maxFraction) {
    return new RedisMemoryMonitorSettings(
        store.withTimeouts(ANSWER_TIMEOUT, ANSWER_TIMEOUT, NO_RETRIES), maxFraction, INTERVAL);
  }
}
