package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.fold.ReorderState;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

final class ReorderStateCodec implements Codec<ReorderState> {

  @Override
  public void write(ReorderState early, DataOutput out) throws IOException {
    out.writeLong(early.from());
    out.writeLong(early.until());
    VarInts.write(early.partitions().size(), out);
    for (int partition : early.partitions()) {
      VarInts.write(partition, out);
    }
  }

  @Override
  public ReorderState read(int version, DataInput in) throws IOException {
    long from = in.readLong();
    long until = in.readLong();
    int size = VarInts.readInt(in);
    List<Integer> partitions = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      partitions.add(VarInts.readInt(in));
    }
    return new ReorderState(from, until, partitions);
  }
}
