package io.spanfold.buffer.redis;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * How long to wait between attempts, and for how long to go on: exponential with jitter, bounded in
 * total.
 *
 * @param budget for how long to try again, from the first attempt
 * @param clock a clock that only goes forward, in nanoseconds
 * @param sleeper waits
 * @param random numbers from 0 to below 1
 */
public record RetryPolicy(
    Duration budget, LongSupplier clock, Sleeper sleeper, DoubleSupplier random) {

  private static final Duration FIRST_PAUSE = Duration.ofMillis(20);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  /** Waits a while. */
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

  /** Starts to count time for one operation. */
  public Attempts begin() {
    return new Attempts();
  }

  /** The attempts at one operation. */
  public final class Attempts {

    private final long start = clock.getAsLong();
    private int made = 1;

    /** Returns how many attempts were made. */
    int made() {
      return made;
    }

    /** Returns how long it has been going on. */
    Duration elapsed() {
      return Duration.ofNanos(clock.getAsLong() - start);
    }

    /** Counts another attempt that follows without a pause. */
    void again() {
      made++;
    }

    /**
     * Waits for the next attempt.
     *
     * @return false, at once, where the budget is spent
     */
    boolean pause() throws InterruptedException {
      Duration left = budget.minus(elapsed());
      if (left.isNegative() || left.isZero()) {
        return false;
      }
      long doubled = FIRST_PAUSE.toNanos() << Math.min(made - 1, 20);
      double full = Math.min(doubled, LONGEST_PAUSE.toNanos());
      // Between half and all of it, so that workers that failed together do not return together.
      long jittered = (long) (full * (0.5 + random.getAsDouble() / 2));
      sleeper.sleep(Duration.ofNanos(Math.min(jittered, left.toNanos())));
      made++;
      return true;
    }
  }
}
