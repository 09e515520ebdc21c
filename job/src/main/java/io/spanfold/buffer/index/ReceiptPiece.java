package io.spanfold.buffer.index;

import io.spanfold.buffer.index.FinishCall.FlushedTrace;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What one call removes of a trace: subsegments with the ids of their small payloads, and ids of
 * spans.
 *
 * @param flushed whose they are
 * @param spanIds the ids of spans
 */
record ReceiptPiece(FlushedTrace flushed, long[] spanIds) {

  /**
   * Unites the receipts of a trace and cuts the result into pieces of at most {@code maxIds} ids.
   * Spans come before subsegments, so that a segment does not end before its spans.
   */
  static List<ReceiptPiece> cut(List<Receipt> receipts, int maxIds) {
    List<Subsegment> subsegments = new ArrayList<>();
    int spans = 0;
    for (Receipt receipt : receipts) {
      subsegments.addAll(receipt.subsegments());
      spans += receipt.spanIds().length;
    }
    long[] spanIds = receipts.get(0).spanIds();
    if (receipts.size() > 1) {
      spanIds = new long[spans];
      int count = 0;
      for (Receipt receipt : receipts) {
        System.arraycopy(receipt.spanIds(), 0, spanIds, count, receipt.spanIds().length);
        count += receipt.spanIds().length;
      }
    }
    List<ReceiptPiece> pieces = new ArrayList<>(1);
    if (subsegments.size() + spans <= maxIds) {
      pieces.add(new ReceiptPiece(new FlushedTrace(receipts, subsegments), spanIds));
      return pieces;
    }
    for (int from = 0; from < spans; from += maxIds) {
      long[] ids = Arrays.copyOfRange(spanIds, from, Math.min(spans, from + maxIds));
      pieces.add(new ReceiptPiece(new FlushedTrace(receipts, List.of()), ids));
    }
    for (int from = 0; from < subsegments.size(); from += maxIds) {
      List<Subsegment> some =
          subsegments.subList(from, Math.min(subsegments.size(), from + maxIds));
      pieces.add(new ReceiptPiece(new FlushedTrace(receipts, some), new long[0]));
    }
    return pieces;
  }

  /** Returns how many ids of spans and subsegments it has. */
  int ids() {
    return flushed.subsegments().size() + spanIds.length;
  }

  /** Returns the argument of the scripts. */
  byte[] encoded() {
    List<Subsegment> subsegments = flushed.subsegments();
    int bytes = Short.BYTES + Long.BYTES * (2 * subsegments.size() + spanIds.length);
    ByteBuffer out = ByteBuffer.allocate(bytes).putShort((short) subsegments.size());
    for (Subsegment subsegment : subsegments) {
      out.putLong(subsegment.id());
    }
    for (Subsegment subsegment : subsegments) {
      SmallPayload small = subsegment.small();
      out.putLong(small == null ? 0 : small.id());
    }
    for (long id : spanIds) {
      out.putLong(id);
    }
    return out.array();
  }
}
