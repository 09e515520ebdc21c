package io.spanfold.job.serialization;

import io.spanfold.core.fold.SliceState;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes the fold's {@link SliceState}s. */
public final class SliceStateCodec implements Codec<SliceState> {

  private static final long serialVersionUID = 1L;

  private final SubsegmentCodec subsegments = new SubsegmentCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(SliceState slice, DataOutput out) throws IOException {
    subsegments.write(slice.subsegment(), out);
    Indexes.write(slice.indexes(), out);
    out.writeBoolean(slice.last());
    if (!slice.last()) {
      out.writeLong(slice.next());
    }
  }

  @Override
  public SliceState read(int version, DataInput in) throws IOException {
    var subsegment = subsegments.read(1, in);
    int[] indexes = Indexes.read(in);
    boolean last = in.readBoolean();
    return new SliceState(subsegment, indexes, last ? 0 : in.readLong(), last);
  }
}
