package io.spanfold.codec;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * Whole numbers in as few bytes as they need: seven bits a byte, the lowest first, the top bit
 * telling that more follow. Not for ids and hashes, which would take ten bytes instead of eight.
 */
public final class VarInts {

  private static final int MAX_SHIFT = 63;

  private VarInts() {}

  /** Writes a number that is usually small and not negative; a negative one takes ten bytes. */
  public static void writeUnsigned(long value, DataOutput out) throws IOException {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.writeByte((int) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }

  /**
   * Reads what {@link #writeUnsigned} wrote.
   *
   * @throws IOException where the bytes are no such number
   */
  public static long readUnsigned(DataInput in) throws IOException {
    long value = 0;
    for (int shift = 0; shift <= MAX_SHIFT; shift += 7) {
      byte next = in.readByte();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IOException("A number in state is longer than ten bytes: the state is damaged.");
  }

  /**
   * Reads what {@link #writeUnsigned} wrote of an {@code int} that is not negative, such as a
   * length.
   *
   * @throws IOException where it is out of that range
   */
  public static int readLength(DataInput in) throws IOException {
    long value = readUnsigned(in);
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw new IOException("The length " + value + " in state is out of range: damaged state.");
    }
    return (int) value;
  }

  /** Writes a number of either sign that is usually near zero. */
  public static void writeSigned(long value, DataOutput out) throws IOException {
    writeUnsigned((value << 1) ^ (value >> 63), out);
  }

  /** Reads what {@link #writeSigned} wrote. */
  public static long readSigned(DataInput in) throws IOException {
    long value = readUnsigned(in);
    return (value >>> 1) ^ -(value & 1);
  }

  /** Writes bytes with their length; null is told from none. */
  static void writeNullable(byte[] bytes, DataOutput out) throws IOException {
    if (bytes == null) {
      writeUnsigned(0, out);
      return;
    }
    writeUnsigned(bytes.length + 1L, out);
    out.write(bytes);
  }

  /** Reads what {@link #writeNullable} wrote. */
  static byte[] readNullable(DataInput in) throws IOException {
    int length = readLength(in) - 1;
    if (length < 0) {
      return null;
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return bytes;
  }
}
