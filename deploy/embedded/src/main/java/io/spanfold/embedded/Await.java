package io.spanfold.embedded;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits on the calling thread. */
public final class Await {

  private static final long INTERVAL_MILLIS = 20;

  private Await() {}

  /** A condition whose check may fail. */
  @FunctionalInterface
  public interface Condition<E extends Exception> {
    /** Returns whether it holds. */
    boolean holds() throws E;
  }

  /**
   * Checks a condition every 20 ms until it holds, at least once. For tests that have a timeout of
   * their own.
   *
   * @throws E if the check fails
   * @throws InterruptedException if the thread is interrupted
   */
  public static <E extends Exception> void until(Condition<E> condition)
      throws E, InterruptedException {
    while (!condition.holds()) {
      TimeUnit.MILLISECONDS.sleep(INTERVAL_MILLIS);
    }
  }

  /**
   * Checks a condition every 20 ms until it holds, at least once.
   *
   * @return whether it held within {@code timeout}
   * @throws IllegalStateException if the thread is interrupted
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

  /**
   * Sleeps.
   *
   * @throws IllegalStateException if the thread is interrupted
   */
  public static void millis(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
