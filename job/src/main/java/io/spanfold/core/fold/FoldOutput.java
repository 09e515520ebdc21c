package io.spanfold.core.fold;

import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;

/** Receives the decisions of the fold, synchronously. */
public interface FoldOutput {

  /** A part is due. */
  void due(DuePart part);

  /** A stored subsegment has no (further) spans to emit, and no pending part will delete it. */
  void discard(Discard discard);

  /** A span's id was seen before in its trace; the span is dropped. */
  void duplicate();

  /** A span is late, and counts as sent when it came. */
  void late();

  /** {@code spans} spans wait for the clock; a span can be counted several times. */
  void early(int spans);

  /**
   * {@link TraceFold#onTimer} has to be called for the segment when the clock reaches {@code time}.
   */
  void setTimer(long segment, long time);

  /**
   * {@link TraceFold#addEarly} has to be called for the trace when the clock reaches {@code time}.
   */
  void setReorderTimer(long time);
}
