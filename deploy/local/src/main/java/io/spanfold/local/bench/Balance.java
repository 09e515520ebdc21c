package io.spanfold.local.bench;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Tells whether a job puts out about as much as it takes in: before that it only fills its buffers,
 * and after a pause it only empties them. For use by one thread.
 */
final class Balance {

  private static final long OVER_NANOS = 3_000_000_000L;
  private static final double LEAST = 0.75;
  private static final double MOST = 1.33;

  private final Deque<Sample> recent = new ArrayDeque<>();

  /** Takes the next counters and looks at the last seconds up to them. */
  boolean isEven(Sample counters) {
    recent.addLast(counters);
    while (counters.nanos() - recent.getFirst().nanos() > OVER_NANOS) {
      recent.removeFirst();
    }
    Sample first = recent.getFirst();
    double in = counters.counter("spansIn") - first.counter("spansIn");
    double out = counters.counter("spansOut") - first.counter("spansOut");
    boolean longEnough = counters.nanos() - first.nanos() > OVER_NANOS * 9 / 10;
    return longEnough && out >= LEAST * in && out <= MOST * in && out > 0;
  }
}
