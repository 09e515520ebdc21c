package io.spanfold.core.fold;

import java.util.List;

/**
 * Where the fold keeps what it knows of one trace. Every entry is small and found by its key, so
 * that the cost of a span does not grow with the trace, on heap or on disk. Values are immutable;
 * getters give null for what is not there.
 */
public interface FoldState {

  /** Returns what is known of a span id, or null. */
  Node node(long spanId);

  /** Remembers a span id. */
  void putNode(long spanId, Node node);

  /** Forgets a span id. */
  void removeNode(long spanId);

  /** Returns the segment whose representative is {@code id}, or null. */
  SegmentState segment(long id);

  /** Remembers a segment under its representative. */
  void putSegment(long id, SegmentState segment);

  /** Forgets a segment. */
  void removeSegment(long id);

  /** Returns a slice, or null. */
  SliceState slice(long key);

  /** Remembers a slice. */
  void putSlice(long key, SliceState slice);

  /** Forgets a slice. */
  void removeSlice(long key);

  /** Returns how many slices of a subsegment wait, where they are more than one; else null. */
  Integer referenceCounts(long subsegmentId);

  /** Remembers how many slices of a subsegment wait. */
  void putReferenceCounts(long subsegmentId, int count);

  /** Forgets that a subsegment is shared. */
  void removeReferenceCounts(long subsegmentId);

  /** Returns what is to be known of the spans that wait for the clock; null where none does. */
  ReorderState ahead();

  /** Remembers what is to be known of the spans that wait for the clock. */
  void putAhead(ReorderState ahead);

  /** Returns the spans that wait for the clock, in no certain order, and forgets them. */
  List<EarlySpans> takeAhead();

  /** Keeps spans until the clock has come so far. */
  void putAhead(EarlySpans spans);
}
