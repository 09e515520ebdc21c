package io.spanfold.core.model;

import java.util.Arrays;
import java.util.List;

/**
 * A part that is due: the first of the three forms in which it goes through the flush. It has at
 * least one span to emit.
 *
 * @param trace the trace
 * @param segmentId the segment's id as known now
 * @param partNumber which part of the segment it is, from 0
 * @param reason why it is due
 * @param dueAt the time at which it became due, in milliseconds of record time
 * @param skipEnrichment whether the segment is known not to fit into one message
 * @param slices its slices, each with at least one span
 */
public record DuePart(
    TraceKey trace,
    long segmentId,
    int partNumber,
    FlushReason reason,
    long dueAt,
    boolean skipEnrichment,
    List<Slice> slices)
    implements FlushRequest {

  /** Returns how many spans it is to emit. */
  public int spanCount() {
    int spans = 0;
    for (Slice slice : slices) {
      spans += slice.spanCount();
    }
    return spans;
  }

  /** Returns the length of the records of all subsegments it touches, taken from or not. */
  @Override
  public long recordBytes() {
    long bytes = 0;
    for (Slice slice : slices) {
      bytes += slice.subsegment().recordBytes();
    }
    return bytes;
  }

  @Override
  public List<Subsegment> obsolete() {
    return slices.stream().filter(Slice::last).map(Slice::subsegment).toList();
  }

  /**
   * The spans that a part takes of one subsegment. Usually all; but duplicates are left out, and a
   * deadline can fall inside a subsegment.
   *
   * @param subsegment the subsegment
   * @param indexes which of its spans, ascending; null for all
   * @param last whether nothing else of the subsegment will be emitted, so that it can be deleted
   *     once this part is committed
   */
  public record Slice(Subsegment subsegment, int[] indexes, boolean last) {

    public int spanCount() {
      return indexes == null ? subsegment.spanCount() : indexes.length;
    }

    /** Returns whether it takes the subsegment's span at {@code index}. */
    public boolean takes(int index) {
      return indexes == null || Arrays.binarySearch(indexes, index) >= 0;
    }
  }
}
