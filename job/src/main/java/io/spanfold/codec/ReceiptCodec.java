package io.spanfold.codec;

import io.spanfold.model.FlushReason;
import io.spanfold.model.FlushedPart.Receipt;
import io.spanfold.model.Hex;
import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes and reads receipts. The version of the subsegments in one is written with it, so that
 * {@link SubsegmentCodec} can evolve by itself.
 */
public final class ReceiptCodec implements Codec<Receipt> {

  private static final long serialVersionUID = 1L;
  private static final int ID_DIGITS = 16;
  private static final FlushReason[] REASONS = FlushReason.values();
  private static final SubsegmentCodec SUBSEGMENTS = new SubsegmentCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(Receipt value, DataOutput out) throws IOException {
    VarInts.write(value.trace().projectId(), out);
    out.writeLong(value.trace().traceHigh());
    out.writeLong(value.trace().traceLow());
    out.writeLong(value.segmentId());
    VarInts.write(value.partNumber(), out);
    VarInts.write(value.reason().ordinal(), out);
    VarInts.write(value.flushIds().size(), out);
    for (String flushId : value.flushIds()) {
      out.writeLong(Hex.parseId(flushId.substring(0, ID_DIGITS)));
      out.writeLong(Hex.parseId(flushId.substring(ID_DIGITS)));
    }
    VarInts.write(SUBSEGMENTS.version(), out);
    VarInts.write(value.subsegments().size(), out);
    for (Subsegment subsegment : value.subsegments()) {
      SUBSEGMENTS.write(subsegment, out);
    }
    VarInts.write(value.spanIds().length, out);
    for (long spanId : value.spanIds()) {
      out.writeLong(spanId);
    }
  }

  @Override
  public Receipt read(int version, DataInput in) throws IOException {
    TraceKey trace = new TraceKey(VarInts.read(in), in.readLong(), in.readLong());
    long segmentId = in.readLong();
    int partNumber = VarInts.readInt(in);
    FlushReason reason = REASONS[VarInts.readInt(in)];
    int flushCount = VarInts.readInt(in);
    List<String> flushIds = new ArrayList<>(flushCount);
    for (int i = 0; i < flushCount; i++) {
      flushIds.add(Hex.id(in.readLong()) + Hex.id(in.readLong()));
    }
    int subsegmentVersion = VarInts.readInt(in);
    int subsegmentCount = VarInts.readInt(in);
    List<Subsegment> subsegments = new ArrayList<>(subsegmentCount);
    for (int i = 0; i < subsegmentCount; i++) {
      subsegments.add(SUBSEGMENTS.read(subsegmentVersion, in));
    }
    long[] spanIds = new long[VarInts.readInt(in)];
    for (int i = 0; i < spanIds.length; i++) {
      spanIds[i] = in.readLong();
    }
    return new Receipt(trace, segmentId, partNumber, reason, flushIds, subsegments, spanIds);
  }
}
