package io.spanfold.job.track;

import io.spanfold.core.model.TraceKey;

/**
 * A trace in state. In the {@link TimingWheel}, it is set for what is to be done next with a small
 * trace, or for when early spans of a large one are due.
 */
final class TrackedTrace extends TimingWheel.Entry {

  final TraceKey key;

  /** The state of a small trace, if it is in {@link HeapTraces}; else null. */
  byte[] packed;

  /** Whether keyed state has a value for it. It is outdated if {@link #packed} is not null. */
  boolean inKeyedState;

  /** Whether it is kept in entries; see {@link LargeTraceState}. */
  boolean large;

  /** Whether all parts of this small trace have left: it is forgotten as a whole when it is due. */
  boolean remembered;

  /** Whether it was forgotten, so that timers which are still set for it mean nothing. */
  boolean forgotten;

  /** Its neighbours in {@link HeapTraces}. */
  TrackedTrace older;

  TrackedTrace newer;

  TrackedTrace(TraceKey key) {
    this.key = key;
  }
}
