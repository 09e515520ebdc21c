package io.spanfold.codec;

import io.spanfold.model.SourcePositions;
import io.spanfold.model.Subsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes and reads subsegments: about 30 bytes and two a span. */
public final class SubsegmentCodec implements Codec<Subsegment> {

  private static final long serialVersionUID = 1L;

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(Subsegment value, DataOutput out) throws IOException {
    out.writeLong(value.id());
    out.writeLong(value.parentId());
    out.writeBoolean(value.root());
    VarInts.writeUnsigned(value.spanCount(), out);
    VarInts.writeUnsigned(value.recordBytes(), out);
    VarInts.writeUnsigned(value.storedBytes(), out);
    VarInts.writeUnsigned(value.layouts(), out);
    VarInts.writeSigned(value.organizationId(), out);
    byte[] positions = value.positions().encoded();
    VarInts.writeUnsigned(positions.length, out);
    out.write(positions);
  }

  @Override
  public Subsegment read(int version, DataInput in) throws IOException {
    long id = in.readLong();
    long parentId = in.readLong();
    boolean root = in.readBoolean();
    int spanCount = VarInts.readLength(in);
    long recordBytes = VarInts.readUnsigned(in);
    int storedBytes = VarInts.readLength(in);
    int layouts = VarInts.readLength(in);
    long organizationId = VarInts.readSigned(in);
    byte[] positions = new byte[VarInts.readLength(in)];
    in.readFully(positions);
    return new Subsegment(
        id,
        parentId,
        root,
        spanCount,
        recordBytes,
        storedBytes,
        layouts,
        organizationId,
        SourcePositions.ofEncoded(positions));
  }
}
