package io.spanfold.core.fold;

import io.spanfold.core.model.DuePart;

/** What the fold tells the world. */
public interface FoldOutput {

  /**
   * A part is due. One without spans has nothing to emit, only subsegments to delete: all their
   * spans were seen before.
   */
  void due(DuePart part);

  /** A span's id was seen before in its trace; the span is dropped. */
  void duplicate();

  /**
   * {@link TraceFold#onTimer} is to be called for the segment when the clock reaches {@code time}.
   */
  void setTimer(long segment, long time);

  /** So many spans wait for the clock, some perhaps again. */
  void ahead(int spans);

  /**
   * {@link TraceFold#addAhead} is to be called for the trace when the clock reaches {@code time}.
   */
  void setAheadTimer(long time);
}
