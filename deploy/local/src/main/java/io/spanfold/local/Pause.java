package io.spanfold.local;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits that an interrupt turns into the end of the run. */
final class Pause {

  private static final long STEP_MILLIS = 100;

  private Pause() {}

  static void millis(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted", e);
    }
  }

  /** Waits until a condition holds; returns whether it did within {@code timeout}. */
  static boolean until(BooleanSupplier condition, Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      millis(STEP_MILLIS);
    }
    return true;
  }
}
