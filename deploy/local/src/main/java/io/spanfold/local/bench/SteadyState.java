package io.spanfold.local.bench;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Detects when a job has warmed up: it emits about as many spans as it reads, as a starting job
 * only fills its buffers, and compiling costs less than a microsecond a span. For use by one
 * thread.
 */
final class SteadyState {

  private static final long BALANCE_NANOS = 3_000_000_000L;
  private static final double MIN_RATIO = 0.75;
  private static final double MAX_RATIO = 1.33;

  /** The system counts CPU time in hundredths of a second, so it takes a while to be exact. */
  private static final long COMPILING_NANOS = 6_000_000_000L;

  private static final double MAX_COMPILING_MICROS = 1;

  private final boolean emits;
  private final Deque<Sample> recent = new ArrayDeque<>();

  /**
   * @param emits whether the job emits what it reads
   */
  SteadyState(boolean emits) {
    this.emits = emits;
  }

  /** Adds a sample of the job's process, which must be newer than the ones before. */
  void add(Sample sample) {
    recent.addLast(sample);
    // One that is older stays, so that the span of time is covered.
    while (recent.size() > 2 && sample.nanos() - second().nanos() >= COMPILING_NANOS) {
      recent.removeFirst();
    }
  }

  private Sample second() {
    return recent.stream().skip(1).findFirst().orElseThrow();
  }

  /** Returns whether the job is balanced and compiled. */
  boolean isReached() {
    return isBalanced() && isCompiled();
  }

  /** Returns whether about as many spans were emitted as read, over the last 3 s. */
  boolean isBalanced() {
    if (!emits) {
      return true;
    }
    Sample before = before(BALANCE_NANOS);
    if (before == null) {
      return false;
    }
    double in = grown("spansIn", before);
    double out = grown("spansOut", before);
    return out >= MIN_RATIO * in && out <= MAX_RATIO * in && out > 0;
  }

  /** Returns whether compiling cost less than a microsecond a span, over the last 6 s. */
  private boolean isCompiled() {
    Sample before = before(COMPILING_NANOS);
    if (before == null) {
      return false;
    }
    double in = grown("spansIn", before);
    double spans = emits ? (in + grown("spansOut", before)) / 2 : in;
    long nanos = recent.getLast().compilingNanos() - before.compilingNanos();
    return nanos / 1e3 < MAX_COMPILING_MICROS * spans;
  }

  /** Returns the newest sample that is at least this much older than the last; null for none. */
  private Sample before(long nanos) {
    Sample found = null;
    for (Sample sample : recent) {
      if (recent.getLast().nanos() - sample.nanos() < nanos) {
        break;
      }
      found = sample;
    }
    return found;
  }

  private double grown(String counter, Sample before) {
    return recent.getLast().counter(counter) - before.counter(counter);
  }
}
