package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.Subsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Requests are in state while they are being flushed. */
final class FlushRequestCodec implements Codec<FlushRequest> {

  private static final int PART = 0;
  private static final int DISCARD = 1;

  private final TraceKeyCodec keys = new TraceKeyCodec();
  private final SubsegmentCodec subsegments = new SubsegmentCodec();

  @Override
  public void write(FlushRequest request, DataOutput out) throws IOException {
    if (request instanceof Discard discard) {
      out.writeByte(DISCARD);
      keys.write(discard.trace(), out);
      subsegments.write(discard.subsegment(), out);
      out.writeLong(discard.dueAt());
    } else {
      out.writeByte(PART);
      writePart((DuePart) request, out);
    }
  }

  private void writePart(DuePart part, DataOutput out) throws IOException {
    keys.write(part.trace(), out);
    out.writeLong(part.segmentId());
    VarInts.write(part.partNumber(), out);
    out.writeByte(part.reason().code());
    out.writeLong(part.dueAt());
    out.writeBoolean(part.skipEnrichment());
    writeSlices(part.slices(), out);
  }

  @Override
  public FlushRequest read(int version, DataInput in) throws IOException {
    int kind = in.readByte();
    return switch (kind) {
      case PART -> readPart(version, in);
      case DISCARD ->
          new Discard(keys.read(version, in), subsegments.read(version, in), in.readLong());
      default -> throw new IOException("flush request of unknown kind " + kind);
    };
  }

  private DuePart readPart(int version, DataInput in) throws IOException {
    return new DuePart(
        keys.read(version, in),
        in.readLong(),
        VarInts.readInt(in),
        FlushReason.ofCode(in.readByte()),
        in.readLong(),
        in.readBoolean(),
        readSlices(version, in));
  }

  private void writeSlices(List<Slice> slices, DataOutput out) throws IOException {
    VarInts.write(slices.size(), out);
    Subsegment before = null;
    for (Slice slice : slices) {
      subsegments.write(slice.subsegment(), before, out);
      Lists.writeIndexes(slice.indexes(), out);
      out.writeBoolean(slice.last());
      before = slice.subsegment();
    }
  }

  private List<Slice> readSlices(int version, DataInput in) throws IOException {
    int size = VarInts.readInt(in);
    List<Slice> slices = new ArrayList<>(size);
    Subsegment before = null;
    for (int i = 0; i < size; i++) {
      before = subsegments.read(version, before, in);
      slices.add(new Slice(before, Lists.readIndexes(in), in.readBoolean()));
    }
    return slices;
  }
}
