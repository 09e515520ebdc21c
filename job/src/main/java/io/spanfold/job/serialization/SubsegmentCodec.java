package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Subsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class SubsegmentCodec implements Codec<Subsegment> {

  @Override
  public void write(Subsegment subsegment, DataOutput out) throws IOException {
    out.writeLong(subsegment.id());
    out.writeLong(subsegment.parentId());
    out.writeBoolean(subsegment.root());
    VarInts.write(subsegment.spanCount(), out);
    VarInts.write(subsegment.recordBytes(), out);
    VarInts.write(subsegment.storedBytes(), out);
    VarInts.write(subsegment.layouts(), out);
    VarInts.write(subsegment.organizationId(), out);
    VarInts.writeBytes(subsegment.positions().encoded(), out);
  }

  @Override
  public Subsegment read(int version, DataInput in) throws IOException {
    return new Subsegment(
        in.readLong(),
        in.readLong(),
        in.readBoolean(),
        VarInts.readInt(in),
        VarInts.read(in),
        VarInts.readInt(in),
        VarInts.readInt(in),
        VarInts.read(in),
        SourcePositions.ofEncoded(VarInts.readBytes(in)));
  }
}
