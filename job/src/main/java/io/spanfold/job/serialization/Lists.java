package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Lists within codecs: their length, then their elements. */
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
}
