package io.spanfold.embedded;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Waits on the calling thread. An interrupt ends the wait with an {@link IllegalStateException}.
 */
public final class Await {

  private static final long INTERVAL_MILLIS = 20;

  private Await() {}

  /**
   * Checks a condition every 20 ms until it holds, at least once.
   *
   * @return whether it held within {@code timeout}
   */
  public static boolean until(BooleanSupplier condition, Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      millis(INTERVAL_MILLIS);
    }
    return true;
  }

  /** Sleeps. */
  public static void millis(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
