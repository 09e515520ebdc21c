package io.spanfold.core.fold;

import java.util.Map;

/**
 * The fold's whole state of one trace; {@link FoldState} describes the entries.
 *
 * @param nodes by span id
 * @param segments by representative
 * @param slices by key
 * @param referenceCounts by subsegment
 * @param earlySpans by subsegment
 * @param reorderState null if no span waits for the clock
 */
public record WholeTrace(
    Map<Long, Node> nodes,
    Map<Long, SegmentState> segments,
    Map<Long, SliceState> slices,
    Map<Long, Integer> referenceCounts,
    Map<Long, EarlySpans> earlySpans,
    ReorderState reorderState) {

  public static final WholeTrace EMPTY =
      new WholeTrace(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), null);

  public boolean isEmpty() {
    return nodes.isEmpty()
        && segments.isEmpty()
        && slices.isEmpty()
        && referenceCounts.isEmpty()
        && earlySpans.isEmpty()
        && reorderState == null;
  }
}
