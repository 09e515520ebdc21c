package io.spanfold.core.fold;

import java.util.List;

/**
 * The fold's state of one trace. Every entry is small and found by its key, so that the cost of a
 * span does not grow with the trace, on heap or on disk. Values are immutable. A getter returns
 * null for an entry that does not exist.
 */
public interface FoldState {

  /** Returns the node of a span id. */
  Node node(long spanId);

  void putNode(long spanId, Node node);

  void removeNode(long spanId);

  /** Returns a segment by its representative. */
  SegmentState segment(long representative);

  void putSegment(long representative, SegmentState segment);

  void removeSegment(long representative);

  SliceState slice(long key);

  void putSlice(long key, SliceState slice);

  void removeSlice(long key);

  /** Returns how many slices of a subsegment wait; null for one or none. */
  Integer referenceCount(long subsegmentId);

  void putReferenceCount(long subsegmentId, int count);

  void removeReferenceCount(long subsegmentId);

  /** Returns the summary of all early spans; null if there are none. */
  ReorderState reorderState();

  void putReorderState(ReorderState state);

  /** Removes all early spans, and the {@link ReorderState} with them; in no particular order. */
  List<EarlySpans> takeEarlySpans();

  void putEarlySpans(EarlySpans spans);
}
