package io.spanfold.job.async;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Remembers when something was last done. Safe for concurrent use. */
final class StallDetector {

  private final long maxQuietNanos;
  private final LongSupplier nanoTime;
  private volatile long progressAt;

  /**
   * Makes a detector that counts from now.
   *
   * @param maxQuietMillis after how long without progress there is a stall
   * @param nanoTime a clock that only goes forward, in nanoseconds
   */
  StallDetector(long maxQuietMillis, LongSupplier nanoTime) {
    this.maxQuietNanos = TimeUnit.MILLISECONDS.toNanos(maxQuietMillis);
    this.nanoTime = nanoTime;
    progress();
  }

  void progress() {
    progressAt = nanoTime.getAsLong();
  }

  boolean stalled() {
    return quietNanos() > maxQuietNanos;
  }

  long quietSeconds() {
    return TimeUnit.NANOSECONDS.toSeconds(quietNanos());
  }

  private long quietNanos() {
    return nanoTime.getAsLong() - progressAt;
  }
}
