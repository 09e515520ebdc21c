package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Which spans of a subsegment a slice takes: null for all of them. */
final class Indexes {

  private Indexes() {}

  static void write(int[] indexes, DataOutput out) throws IOException {
    if (indexes == null) {
      VarInts.write(0, out);
      return;
    }
    VarInts.write(indexes.length + 1, out);
    int previous = 0;
    for (int index : indexes) {
      VarInts.write(index - previous, out);
      previous = index;
    }
  }

  static int[] read(DataInput in) throws IOException {
    int length = VarInts.readInt(in) - 1;
    if (length < 0) {
      return null;
    }
    int[] indexes = new int[length];
    int previous = 0;
    for (int i = 0; i < length; i++) {
      previous += VarInts.readInt(in);
      indexes[i] = previous;
    }
    return indexes;
  }
}
