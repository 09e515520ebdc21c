package io.spanfold.fold;

import java.util.Map;

/**
 * All that the fold knows of one trace; see {@link FoldState} for what the entries are.
 *
 * @param nodes by span id
 * @param segments by representative
 * @param slices by key
 * @param sharers by subsegment
 * @param ahead by subsegment
 * @param aheadState null where no span waits for the clock
 */
public record WholeTrace(
    Map<Long, Node> nodes,
    Map<Long, SegmentState> segments,
    Map<Long, SliceState> slices,
    Map<Long, Integer> sharers,
    Map<Long, SpansAhead> ahead,
    AheadState aheadState) {

  /** A trace of which nothing is known. */
  public static final WholeTrace EMPTY =
      new WholeTrace(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), null);

  /** Returns whether nothing is known. */
  public boolean isEmpty() {
    return nodes.isEmpty()
        && segments.isEmpty()
        && slices.isEmpty()
        && sharers.isEmpty()
        && ahead.isEmpty()
        && aheadState == null;
  }
}
