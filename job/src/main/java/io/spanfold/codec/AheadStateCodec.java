package io.spanfold.codec;

import io.spanfold.fold.AheadState;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Writes the fold's {@link AheadState}s. */
public final class AheadStateCodec implements Codec<AheadState> {

  private static final long serialVersionUID = 1L;

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(AheadState ahead, DataOutput out) throws IOException {
    out.writeLong(ahead.from());
    VarInts.write(ahead.partitions().size(), out);
    for (int partition : ahead.partitions()) {
      VarInts.write(partition, out);
    }
  }

  @Override
  public AheadState read(int version, DataInput in) throws IOException {
    long from = in.readLong();
    int size = VarInts.readInt(in);
    List<Integer> partitions = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      partitions.add(VarInts.readInt(in));
    }
    return new AheadState(from, partitions);
  }
}
