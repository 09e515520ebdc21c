package io.spanfold.job.track;

import java.util.function.Consumer;

/**
 * The traces whose state is on the heap, in the order in which it was written last. Not
 * thread-safe.
 */
final class HeapTraces {

  /** The head of an array and its padding. */
  private static final int ARRAY_BYTES = 20;

  /** Before the oldest and after the newest. */
  private final TrackedTrace ends = new TrackedTrace(null);

  private long bytes;

  HeapTraces() {
    ends.older = ends;
    ends.newer = ends;
  }

  /** Adds a trace as the newest, or replaces its state. */
  void put(TrackedTrace trace, byte[] packed) {
    remove(trace);
    trace.packed = packed;
    bytes += packed.length + ARRAY_BYTES;
    trace.older = ends.older;
    trace.newer = ends;
    ends.older.newer = trace;
    ends.older = trace;
  }

  /** Removes a trace, if it is here. */
  void remove(TrackedTrace trace) {
    if (trace.packed == null) {
      return;
    }
    bytes -= trace.packed.length + ARRAY_BYTES;
    trace.packed = null;
    trace.older.newer = trace.newer;
    trace.newer.older = trace.older;
    trace.older = null;
    trace.newer = null;
  }

  /** Returns the trace that was put longest ago; null if there is none. */
  TrackedTrace oldest() {
    return ends.newer == ends ? null : ends.newer;
  }

  /** Calls {@code action} for each trace, the oldest first; it may remove that trace. */
  void forEach(Consumer<TrackedTrace> action) {
    TrackedTrace trace = ends.newer;
    while (trace != ends) {
      TrackedTrace next = trace.newer;
      action.accept(trace);
      trace = next;
    }
  }

  /** Returns how much of the heap the state of the traces takes, roughly. */
  long bytes() {
    return bytes;
  }
}
