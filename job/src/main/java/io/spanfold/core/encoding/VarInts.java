package io.spanfold.core.encoding;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Whole numbers in as few bytes as they need: seven bits a byte, the lowest first, the top bit set
 * on all but the last. Part of every format of state and payloads.
 */
public final class VarInts {

  private VarInts() {}

  /** Writes a number. Negative ones take ten bytes: see {@link #writeSigned}. */
  public static void write(long value, DataOutput out) throws IOException {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.writeByte((int) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }

  /** Writes a number as {@link #write(long, DataOutput)} does. */
  public static void write(long value, ByteBuffer out) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    out.put((byte) rest);
  }

  /**
   * Reads a number.
   *
   * @throws IOException if it has more than ten bytes
   */
  public static long read(DataInput in) throws IOException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = in.readByte();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IOException("a number takes more than ten bytes: the data is damaged");
  }

  /**
   * Reads a number.
   *
   * @throws IllegalArgumentException if it has more than ten bytes, or ends early
   */
  public static long read(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE && in.hasRemaining(); shift += 7) {
      byte next = in.get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number is cut off or too long: the data is damaged");
  }

  /**
   * Reads a number from 0 that fits into an int.
   *
   * @throws IOException if it does not
   */
  public static int readInt(DataInput in) throws IOException {
    long value = read(in);
    if (value != (int) value) {
      throw new IOException("the number " + value + " is out of range: the data is damaged");
    }
    return (int) value;
  }

  /** Writes a number of either sign; numbers near zero take few bytes. */
  public static void writeSigned(long value, DataOutput out) throws IOException {
    write((value << 1) ^ (value >> 63), out);
  }

  public static long readSigned(DataInput in) throws IOException {
    long value = read(in);
    return (value >>> 1) ^ -(value & 1);
  }

  /** Writes the number of bytes, then the bytes. */
  public static void writeBytes(byte[] bytes, DataOutput out) throws IOException {
    write(bytes.length, out);
    out.write(bytes);
  }

  public static byte[] readBytes(DataInput in) throws IOException {
    byte[] bytes = new byte[readInt(in)];
    in.readFully(bytes);
    return bytes;
  }

  /** Writes bytes as {@link #writeBytes} does, with numbers one higher: 0 is null. */
  public static void writeNullable(byte[] bytes, DataOutput out) throws IOException {
    if (bytes == null) {
      write(0, out);
      return;
    }
    write(bytes.length + 1L, out);
    out.write(bytes);
  }

  public static byte[] readNullable(DataInput in) throws IOException {
    int length = readInt(in) - 1;
    if (length < 0) {
      return null;
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return bytes;
  }
}
