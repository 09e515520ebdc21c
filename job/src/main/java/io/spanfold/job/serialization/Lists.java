package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Lists within forms: their length, then their elements. */
final class Lists {

  private Lists() {}

  static <T> void write(List<T> list, Codec<T> codec, DataOutput out) throws IOException {
    VarInts.write(list.size(), out);
    for (T element : list) {
      codec.write(element, out);
    }
  }

  static <T> List<T> read(Codec<T> codec, int version, DataInput in) throws IOException {
    int size = VarInts.readInt(in);
    List<T> list = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      list.add(codec.read(version, in));
    }
    return list;
  }

  /** Writes ascending numbers as distances; null, which is another value than none, as 0. */
  static void writeIndexes(int[] indexes, DataOutput out) throws IOException {
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

  static int[] readIndexes(DataInput in) throws IOException {
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
