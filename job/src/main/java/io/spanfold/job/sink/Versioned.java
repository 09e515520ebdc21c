package io.spanfold.job.sink;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Writes a value of another serializer within one of ours, with the other's version. */
final class Versioned {

  private Versioned() {}

  static <T> void write(SimpleVersionedSerializer<T> serializer, T value, DataOutput out)
      throws IOException {
    byte[] bytes = serializer.serialize(value);
    out.writeInt(serializer.getVersion());
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  static <T> T read(SimpleVersionedSerializer<T> serializer, DataInput in) throws IOException {
    int version = in.readInt();
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return serializer.deserialize(version, bytes);
  }

  /** Refuses what a newer release wrote. */
  static void check(String what, int version, int newest) throws IOException {
    if (version < 1 || version > newest) {
      throw new IOException(
          "The savepoint holds "
              + what
              + " of version "
              + version
              + ", and this release reads up to "
              + newest
              + "; restore it with the release that took it, or a newer one.");
    }
  }
}
