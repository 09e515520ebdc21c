package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SegmentState.SliceList;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class SegmentStateCodec implements Codec<SegmentState> {

  private final PartCodec parts = new PartCodec();

  @Override
  public void write(SegmentState segment, DataOutput out) throws IOException {
    out.writeLong(segment.name());
    out.writeBoolean(segment.rootKnown());
    VarInts.write(segment.size(), out);
    out.writeLong(segment.lastMember());
    VarInts.write(segment.nextPart(), out);
    out.writeBoolean(segment.overflowed());
    out.writeLong(segment.rememberUntil());
    out.writeLong(segment.timerAt());
    Lists.write(segment.closed(), parts, out);
    out.writeBoolean(segment.open() != null);
    if (segment.open() != null) {
      parts.write(segment.open(), out);
    }
  }

  @Override
  public SegmentState read(int version, DataInput in) throws IOException {
    return new SegmentState(
        in.readLong(),
        in.readBoolean(),
        VarInts.readInt(in),
        in.readLong(),
        VarInts.readInt(in),
        in.readBoolean(),
        in.readLong(),
        in.readLong(),
        Lists.read(parts, version, in),
        in.readBoolean() ? parts.read(version, in) : null);
  }

  private static final class PartCodec implements Codec<PartState> {

    @Override
    public void write(PartState part, DataOutput out) throws IOException {
      out.writeLong(part.first());
      out.writeLong(part.last());
      VarInts.write(part.bytes(), out);
      out.writeBoolean(part.slices() != null);
      if (part.slices() != null) {
        out.writeLong(part.slices().head());
        out.writeLong(part.slices().tail());
      }
    }

    @Override
    public PartState read(int version, DataInput in) throws IOException {
      return new PartState(
          in.readLong(),
          in.readLong(),
          VarInts.read(in),
          in.readBoolean() ? new SliceList(in.readLong(), in.readLong()) : null);
    }
  }
}
