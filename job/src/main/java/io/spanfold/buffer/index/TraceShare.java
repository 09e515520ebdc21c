package io.spanfold.buffer.index;

import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/**
 * One trace's share of a batch, as it is added to the index.
 *
 * @param trace the trace
 * @param generation in which it is written
 * @param subsegments its subsegments, stored
 * @param spanIds the ids of the spans of each subsegment
 */
public record TraceShare(
    TraceKey trace, Generation generation, List<Subsegment> subsegments, List<long[]> spanIds) {

  /** Returns how many ids of spans it has. */
  int spanCount() {
    int count = 0;
    for (long[] ids : spanIds) {
      count += ids.length;
    }
    return count;
  }
}
