package io.spanfold.core.model;

import java.util.List;

/**
 * A stored subsegment of which no (further) span is emitted, because they are duplicates: it is
 * only deleted.
 *
 * @param trace the trace
 * @param subsegment the subsegment to delete
 * @param dueAt the clock when the fold decided this, in milliseconds of record time
 */
public record Discard(TraceKey trace, Subsegment subsegment, long dueAt) implements FlushRequest {

  @Override
  public long segmentId() {
    return subsegment.parentId();
  }

  /** Returns 0: nothing is loaded. */
  @Override
  public long recordBytes() {
    return 0;
  }

  @Override
  public List<Subsegment> obsolete() {
    return List.of(subsegment);
  }
}
