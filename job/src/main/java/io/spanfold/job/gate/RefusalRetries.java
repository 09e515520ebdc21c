package io.spanfold.job.gate;

import io.spanfold.buffer.redis.StoreRefusedException;
import org.apache.flink.metrics.Counter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats operations for as long as Redis refuses them. A restart of the task would not help, and
 * would be repeated for as long. Meanwhile the gate at the source is closed.
 *
 * <p>For one thread, except {@link #isWaiting}.
 */
public final class RefusalRetries {

  private static final Logger LOG = LoggerFactory.getLogger(RefusalRetries.class);

  private final Counter refused;
  private volatile boolean waiting;

  /** An operation that may be repeated after it was refused. */
  @FunctionalInterface
  public interface Operation<T> {
    T run() throws InterruptedException;
  }

  /**
   * @param refused counts the operations that were refused until their time for retries was over
   */
  public RefusalRetries(Counter refused) {
    this.refused = refused;
  }

  /**
   * Returns the result of {@code operation}.
   *
   * @throws InterruptedException if the thread is interrupted while Redis refuses
   */
  public <T> T run(Operation<T> operation) throws InterruptedException {
    try {
      while (true) {
        try {
          return operation.run();
        } catch (StoreRefusedException e) {
          if (Thread.interrupted()) {
            throw new InterruptedException("cancelled while Redis refuses");
          }
          waiting = true;
          refused.inc();
          LOG.warn("Redis refuses, and is asked again: {}", e.getMessage());
        }
      }
    } finally {
      waiting = false;
    }
  }

  /** Returns whether the current operation was refused before; for any thread. */
  public boolean isWaiting() {
    return waiting;
  }
}
