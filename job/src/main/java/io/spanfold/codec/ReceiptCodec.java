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
    VarInts.writeUnsigned(value.trace().projectId(), out);
    out.writeLong(value.trace().traceHigh());
    out.writeLong(value.trace().traceLow());
    out.writeLong(value.segmentId());
    VarInts.writeUnsigned(value.partNumber(), out);
    VarInts.writeUnsigned(value.reason().ordinal(), out);
    VarInts.writeUnsigned(value.flushIds().size(), out);
    for (String flushId : value.flushIds()) {
      out.writeLong(Hex.parseId(flushId.substring(0, ID_DIGITS)));
      out.writeLong(Hex.parseId(flushId.substring(ID_DIGITS)));
    }
    VarInts.writeUnsigned(SUBSEGMENTS.version(), out);
    VarInts.writeUnsigned(value.subsegments().size(), out);
    for (Subsegment subsegment : value.subsegments()) {
      SUBSEGMENTS.write(subsegment, out);
    }
    VarInts.writeUnsigned(value.spanIds().length, out);
    for (long spanId : value.spanIds()) {
      out.writeLong(spanId);
    }
  }

  @Override
  public Receipt read(int version, DataInput in) throws IOException {
    TraceKey trace = new TraceKey(VarInts.readUnsigned(in), in.readLong(), in.readLong());
    long segmentId = in.readLong();
    int partNumber = VarInts.readLength(in);
    FlushReason reason = REASONS[VarInts.readLength(in)];
    int flushCount = VarInts.readLength(in);
    List<String> flushIds = new ArrayList<>(flushCount);
    for (int i = 0; i < flushCount; i++) {
      flushIds.add(Hex.id(in.readLong()) + Hex.id(in.readLong()));
    }
    int subsegmentVersion = VarInts.readLength(in);
    int subsegmentCount = VarInts.readLength(in);
    List<Subsegment> subsegments = new ArrayList<>(subsegmentCount);
    for (int i = 0; i < subsegmentCount; i++) {
      subsegments.add(SUBSEGMENTS.read(subsegmentVersion, in));
    }
    long[] spanIds = new long[VarInts.readLength(in)];
    for (int i = 0; i < spanIds.length; i++) {
      spanIds[i] = in.readLong();
    }
    return new Receipt(trace, segmentId, partNumber, reason, flushIds, subsegments, spanIds);
  }
}
