package io.spanfold.core.model;

import java.io.ByteArrayOutputStream;

/**
 * Where the spans of a subsegment stand in the source topic, in the order of its payload (by
 * partition, then offset): what it takes to read them again. Kept compactly, as state holds one of
 * these for each subsegment: runs of one partition, of which each offset is stored as its distance
 * from the one before, in the fewest bytes.
 */
public final class SourcePositions {

  /**
   * In place of a partition where it is not known where a span stands: it cannot be read again. Its
   * offset then only tells it from others.
   */
  public static final int NOWHERE = Integer.MAX_VALUE;

  private final byte[] encoded;

  private SourcePositions(byte[] encoded) {
    this.encoded = encoded;
  }

  /**
   * Encodes positions.
   *
   * @param partitions the partition of each span
   * @param offsets its offset, ascending within a partition; as many as {@code partitions}
   */
  public static SourcePositions of(int[] partitions, long[] offsets) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(8 + offsets.length * 2);
    int start = 0;
    while (start < partitions.length) {
      int end = start + 1;
      while (end < partitions.length && partitions[end] == partitions[start]) {
        end++;
      }
      writeVarLong(out, partitions[start]);
      writeVarLong(out, end - start);
      long previous = 0;
      for (int i = start; i < end; i++) {
        writeVarLong(out, offsets[i] - previous);
        previous = offsets[i];
      }
      start = end;
    }
    return new SourcePositions(out.toByteArray());
  }

  /** Wraps what {@link #encoded()} gave; the array must not be changed after. */
  public static SourcePositions ofEncoded(byte[] encoded) {
    return new SourcePositions(encoded);
  }

  /** Returns the compact form; not to be changed. */
  public byte[] encoded() {
    return encoded;
  }

  /** Shows every position to {@code visitor}, in the order of the payload. */
  public void forEach(Visitor visitor) {
    int[] at = {0};
    int index = 0;
    while (at[0] < encoded.length) {
      int partition = (int) readVarLong(at);
      int count = (int) readVarLong(at);
      long offset = 0;
      for (int i = 0; i < count; i++) {
        offset += readVarLong(at);
        visitor.position(index++, partition, offset);
      }
    }
  }

  private static void writeVarLong(ByteArrayOutputStream out, long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private long readVarLong(int[] at) {
    long value = 0;
    int shift = 0;
    byte next;
    do {
      next = encoded[at[0]++];
      value |= (next & 0x7FL) << shift;
      shift += 7;
    } while (next < 0);
    return value;
  }

  /** Is shown positions one by one. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * One position.
     *
     * @param index which span of the subsegment, from 0
     * @param partition the source partition
     * @param offset the offset there
     */
    void position(int index, int partition, long offset);
  }
}
