package io.spanfold.core.encoding;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Whole numbers in the fewest bytes: seven bits a byte, the lowest first. */
public final class VarInts {

  private VarInts() {}

  /** Writes a number, best one that is not negative: small ones take little room. */
  public static void write(long value, DataOutput out) throws IOException {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.writeByte((int) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }

  /** Reads what {@link #write} wrote. */
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

  /** Reads what {@link #write} wrote, where it is an int. */
  public static int readInt(DataInput in) throws IOException {
    long value = read(in);
    if (value != (int) value) {
      throw new IOException("the number " + value + " is out of range: the data is damaged");
    }
    return (int) value;
  }

  /** Writes a number of either sign: small distances from zero take little room. */
  public static void writeSigned(long value, DataOutput out) throws IOException {
    write((value << 1) ^ (value >> 63), out);
  }

  /** Reads what {@link #writeSigned} wrote. */
  public static long readSigned(DataInput in) throws IOException {
    long value = read(in);
    return (value >>> 1) ^ -(value & 1);
  }

  /** Writes bytes and their number. */
  public static void writeBytes(byte[] bytes, DataOutput out) throws IOException {
    write(bytes.length, out);
    out.write(bytes);
  }

  /** Reads what {@link #writeBytes} wrote. */
  public static byte[] readBytes(DataInput in) throws IOException {
    byte[] bytes = new byte[readInt(in)];
    in.readFully(bytes);
    return bytes;
  }

  /** Writes bytes and their number; null is told from none. */
  public static void writeNullable(byte[] bytes, DataOutput out) throws IOException {
    if (bytes == null) {
      write(0, out);
      return;
    }
    write(bytes.length + 1L, out);
    out.write(bytes);
  }

  /** Reads what {@link #writeNullable} wrote. */
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
