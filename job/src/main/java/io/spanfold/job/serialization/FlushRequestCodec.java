package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Requests are in state while they are being flushed. */
final class FlushRequestCodec implements Codec<FlushRequest> {

  private static final int PART = 0;
  private static final int DISCARD = 1;

  private final TraceKeyCodec keys = new TraceKeyCodec();
  private final SubsegmentCodec subsegments = new SubsegmentCodec();
  private final SliceCodec slices = new SliceCodec();

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
    Lists.write(part.slices(), slices, out);
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
        Lists.read(slices, version, in));
  }

  private static final class SliceCodec implements Codec<Slice> {

    private final SubsegmentCodec subsegments = new SubsegmentCodec();

    @Override
    public void write(Slice slice, DataOutput out) throws IOException {
      subsegments.write(slice.subsegment(), out);
      Lists.writeIndexes(slice.indexes(), out);
      out.writeBoolean(slice.last());
    }

    @Override
    public Slice read(int version, DataInput in) throws IOException {
      return new Slice(subsegments.read(version, in), Lists.readIndexes(in), in.readBoolean());
    }
  }
}
