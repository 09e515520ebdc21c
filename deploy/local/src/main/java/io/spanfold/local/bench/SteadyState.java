package io.spanfold.local.bench;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Detects when a job emits about as many spans as it reads: a starting job only fills its buffers.
 * For use by one thread.
 */
final class SteadyState {

  private static final long WINDOW_NANOS = 3_000_000_000L;
  private static final double MIN_RATIO = 0.75;
  private static final double MAX_RATIO = 1.33;

  private final Deque<Sample> recent = new ArrayDeque<>();

  /** Adds counters and returns whether the ratio over the last 3 s is near one. */
  boolean isReached(Sample counters) {
    recent.addLast(counters);
    while (counters.nanos() - recent.getFirst().nanos() > WINDOW_NANOS) {
      recent.removeFirst();
    }
    Sample first = recent.getFirst();
    double in = counters.counter("spansIn") - first.counter("spansIn");
    double out = counters.counter("spansOut") - first.counter("spansOut");
    boolean longEnough = counters.nanos() - first.nanos() > WINDOW_NANOS * 9 / 10;
    return longEnough && out >= MIN_RATIO * in && out <= MAX_RATIO * in && out > 0;
  }
}
