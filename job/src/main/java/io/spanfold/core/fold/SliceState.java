package io.spanfold.core.fold;

import io.spanfold.core.model.Subsegment;

/**
 * The state of a slice, the spans that a part takes of a subsegment, between two batches.
 *
 * @param subsegment the subsegment
 * @param indexes which of its spans, ascending; null for all
 * @param next the key of the next slice of the part; undefined if {@code last}
 * @param last whether the part's list ends here
 */
public record SliceState(Subsegment subsegment, int[] indexes, long next, boolean last) {

  SliceState followedBy(long key) {
    return new SliceState(subsegment, indexes, key, false);
  }
}
