package io.spanfold.buffer.redis;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * The pauses between attempts, and when to stop: exponential from 20 ms to 2 s, with jitter.
 *
 * @param budget time from the first attempt after which no further one begins
 * @param clock a monotonic clock, in nanoseconds
 * @param sleeper waits
 * @param random numbers from 0 (inclusive) to 1 (exclusive)
 */
public record RetryPolicy(
    Duration budget, LongSupplier clock, Sleeper sleeper, DoubleSupplier random) {

  private static final Duration FIRST_PAUSE = Duration.ofMillis(20);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  /** Waits. */
  @FunctionalInterface
  public interface Sleeper {
    void sleep(Duration pause) throws InterruptedException;
  }

  /** Returns the policy of a running job. */
  public static RetryPolicy within(Duration budget) {
    return new RetryPolicy(
        budget,
        System::nanoTime,
        pause -> TimeUnit.NANOSECONDS.sleep(pause.toNanos()),
        () -> ThreadLocalRandom.current().nextDouble());
  }

  /** Starts the clock of one operation. */
  public Attempts begin() {
    return new Attempts();
  }

  /** The attempts at one operation. */
  public final class Attempts {

    private final long start = clock.getAsLong();
    private int made = 1;

    /** Returns the number of attempts so far. */
    public int made() {
      return made;
    }

    /** Returns the time since the first attempt. */
    public Duration elapsed() {
      return Duration.ofNanos(clock.getAsLong() - start);
    }

    /** Counts an attempt that follows without a pause. */
    public void again() {
      made++;
    }

    /**
     * Waits for the next attempt.
     *
     * @param what the operation, in words that complete "cannot"
     * @param failure of the attempt before
     * @return false, without waiting, if the budget is spent
     * @throws StoreException if the thread is interrupted; its interrupt status stays set
     */
    public boolean pause(String what, RuntimeException failure) {
      Duration left = budget.minus(elapsed());
      if (left.isNegative() || left.isZero()) {
        return false;
      }
      long doubled = FIRST_PAUSE.toNanos() << Math.min(made - 1, 20);
      double full = Math.min(doubled, LONGEST_PAUSE.toNanos());
      // Between half and all of it, so that workers that failed together do not retry together.
      long jittered = (long) (full * (0.5 + random.getAsDouble() / 2));
      try {
        sleeper.sleep(Duration.ofNanos(Math.min(jittered, left.toNanos())));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(
            "cannot %s: interrupted while waiting to retry".formatted(what), failure);
      }
      made++;
      return true;
    }
  }
}
