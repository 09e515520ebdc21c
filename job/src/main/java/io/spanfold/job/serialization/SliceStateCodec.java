package io.spanfold.job.serialization;

import io.spanfold.core.fold.SliceState;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class SliceStateCodec implements Codec<SliceState> {

  private final SubsegmentCodec subsegments = new SubsegmentCodec();

  @Override
  public void write(SliceState slice, DataOutput out) throws IOException {
    subsegments.write(slice.subsegment(), out);
    Lists.writeIndexes(slice.indexes(), out);
    out.writeBoolean(slice.last());
    if (!slice.last()) {
      out.writeLong(slice.next());
    }
  }

  @Override
  public SliceState read(int version, DataInput in) throws IOException {
    var subsegment = subsegments.read(version, in);
    int[] indexes = Lists.readIndexes(in);
    boolean last = in.readBoolean();
    return new SliceState(subsegment, indexes, last ? 0 : in.readLong(), last);
  }
}
