package io.spanfold.core.model;

/**
 * Offsets of a partition that the reader has passed without a record. They may be transaction
 * markers, aborted or compacted records, or records that were deleted before they were read.
 *
 * @param from the first of them
 * @param to the first one after them
 */
public record OffsetGap(long from, long to) {

  /** Returns how many of the offsets are before {@code start}, the partition's first record. */
  public long before(long start) {
    return Math.max(0, Math.min(to, start) - from);
  }
}
