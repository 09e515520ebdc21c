package io.spanfold.job.track;

import io.spanfold.core.model.TraceKey;

/**
 * A trace in state. In the {@link TimingWheel}, it is set for what is to be done next with a small
 * trace, or for when early spans of a large one are due.
 */
final class TrackedTrace extends TimingWheel.Entry {

  final TraceKey key;

  /** Whether it is kept in entries; see {@link LargeTraceState}. */
  boolean large;

  /** Whether all parts of this small trace have left: it is forgotten as a whole when it is due. */
  boolean remembered;

  /** Whether it was forgotten, so that timers which are still set for it mean nothing. */
  boolean forgotten;

  TrackedTrace(TraceKey key) {
    this.key = key;
  }
}
