package io.spanfold.core.fold;

import java.util.List;

/**
 * The state of a segment between two batches. Its size does not depend on the number of spans.
 *
 * @param name the segment's id: that of its root, or of the missing parent
 * @param rootKnown whether a segment root has arrived
 * @param size how many ids the segment has, which may be one more than its spans
 * @param lastMember the last id of its list
 * @param nextPart the number of the part that is flushed next
 * @param overflowed whether a part of it was full, so that it does not fit into one message
 * @param rememberUntil the record time up to which spans still find it once its parts are flushed
 * @param timerAt the time its timer is set for; {@link #NO_TIMER} for none
 * @param closed parts that were full before the root was known
 * @param open the part that spans join; null for none
 */
public record SegmentState(
    long name,
    boolean rootKnown,
    int size,
    long lastMember,
    int nextPart,
    boolean overflowed,
    long rememberUntil,
    long timerAt,
    List<PartState> closed,
    PartState open) {

  static final long NO_TIMER = Long.MAX_VALUE;

  /** Returns whether a part of it has yet to be flushed. */
  public boolean hasParts() {
    return open != null || !closed.isEmpty();
  }

  /**
   * The state of a part between two batches.
   *
   * @param first the time of its first span; that of a late span is the clock when it came
   * @param last the time of its last span, likewise
   * @param bytes the length of its records
   * @param slices the ends of its list of slices; null for none
   */
  public record PartState(long first, long last, long bytes, SliceList slices) {}

  /**
   * A list of slices in the fold's state.
   *
   * @param head the key of the first
   * @param tail the key of the last
   */
  public record SliceList(long head, long tail) {}
}
