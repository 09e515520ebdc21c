package io.spanfold.testing;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/** Makes receipts of parts without messages, for tests of the clean-up only. */
public final class Receipts {

  private Receipts() {}

  /** Returns the receipt of a part that is made of all of {@code subsegments}, the last to be. */
  public static Receipt of(
      TraceKey trace, long segmentId, List<Subsegment> subsegments, long[] spanIds) {
    List<Slice> slices =
        subsegments.stream().map(subsegment -> new Slice(subsegment, null, true)).toList();
    return new Receipt(
        new DuePart(trace, segmentId, 0, FlushReason.IDLE, 0, false, slices),
        1 << 20,
        List.of(),
        spanIds);
  }
}
