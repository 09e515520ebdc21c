package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The entries of one kind of a {@link PackedTrace}. An entry is decoded when it is asked for, and
 * encoded when it was changed; the bytes of all others are copied. There are few, so they are
 * searched one by one.
 *
 * @param <V> an entry; immutable
 */
final class PackedEntries<V> {

  private static final int MIN_ROOM = 8;

  private final Codec<V> codec;
  private final DataInputDeserializer in = new DataInputDeserializer();

  private int size;
  private long[] keys = new long[MIN_ROOM];

  /** The entries that are decoded; null for one that is not. */
  private Object[] decoded = new Object[MIN_ROOM];

  /** Where an entry's bytes are; a length of 0 for a changed entry. */
  private int[] offsets = new int[MIN_ROOM];

  private int[] lengths = new int[MIN_ROOM];
  private byte[] bytes;
  private int version;

  PackedEntries(Codec<V> codec) {
    this.codec = codec;
  }

  void clear() {
    Arrays.fill(decoded, 0, size, null);
    size = 0;
  }

  int size() {
    return size;
  }

  long key(int index) {
    return keys[index];
  }

  /** Returns an entry if it is decoded, else null. */
  @SuppressWarnings("unchecked")
  V decoded(int index) {
    return (V) decoded[index];
  }

  /** Returns where the bytes of an entry begin that is not decoded. */
  int offset(int index) {
    return offsets[index];
  }

  V at(int index) {
    if (decoded[index] == null) {
      in.setBuffer(bytes, offsets[index], lengths[index]);
      try {
        decoded[index] = codec.read(version, in);
      } catch (IOException e) {
        throw new IllegalStateException("the state of a trace is damaged", e);
      }
    }
    return decoded(index);
  }

  /** Returns an entry; null if it does not exist. */
  V get(long key) {
    int index = find(key);
    return index < 0 ? null : at(index);
  }

  void put(long key, V value) {
    int index = find(key);
    if (index < 0) {
      index = size++;
      reserve();
      keys[index] = key;
    }
    decoded[index] = value;
    lengths[index] = 0;
  }

  void remove(long key) {
    int index = find(key);
    if (index < 0) {
      return;
    }
    size--;
    keys[index] = keys[size];
    decoded[index] = decoded[size];
    offsets[index] = offsets[size];
    lengths[index] = lengths[size];
    decoded[size] = null;
  }

  private int find(long key) {
    for (int i = 0; i < size; i++) {
      if (keys[i] == key) {
        return i;
      }
    }
    return -1;
  }

  private void reserve() {
    if (size > keys.length) {
      int room = keys.length * 2;
      keys = Arrays.copyOf(keys, room);
      decoded = Arrays.copyOf(decoded, room);
      offsets = Arrays.copyOf(offsets, room);
      lengths = Arrays.copyOf(lengths, room);
    }
  }

  /**
   * @param scratch is overwritten
   */
  void write(DataOutputSerializer out, DataOutputSerializer scratch) throws IOException {
    VarInts.write(size, out);
    for (int i = 0; i < size; i++) {
      out.writeLong(keys[i]);
      if (lengths[i] > 0) {
        VarInts.write(lengths[i], out);
        out.write(bytes, offsets[i], lengths[i]);
      } else {
        scratch.clear();
        codec.write(decoded(i), scratch);
        VarInts.write(scratch.length(), out);
        out.write(scratch.getSharedBuffer(), 0, scratch.length());
      }
    }
  }

  /**
   * @param all what {@code from} reads; not changed as long as its entries are used
   */
  void read(int formVersion, byte[] all, DataInputDeserializer from) throws IOException {
    clear();
    version = formVersion;
    bytes = all;
    int count = VarInts.readInt(from);
    for (int i = 0; i < count; i++) {
      size++;
      reserve();
      keys[i] = from.readLong();
      lengths[i] = VarInts.readInt(from);
      offsets[i] = from.getPosition();
      from.skipBytesToRead(lengths[i]);
    }
  }
}
