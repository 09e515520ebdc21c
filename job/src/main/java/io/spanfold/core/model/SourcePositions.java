package io.spanfold.core.model;

import io.spanfold.core.encoding.VarInts;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The source positions of a subsegment's spans, in the order of its payload, which is that of
 * {@link SourcePosition}: they suffice to read the spans again. State holds one of these for each
 * subsegment, so it is one array, with two or three bytes for most spans.
 *
 * <p>The form, in {@link VarInts}: runs of one partition. A run of records that hold one span each
 * is the partition, the number of spans, and of each span the distance of its offset from the one
 * before. Any other run has a 0 after its partition, then the number of spans, and of each span
 * either twice the distance of its offset, and its index; or, if it is of the same record as the
 * span before, twice the distance of its index, plus one.
 *
 * <p>Ids of subsegments are a hash of this form: equal positions have equal bytes, and different
 * ones have different bytes.
 */
public final class SourcePositions {

  /** Marks a run with indexes. No run is empty. */
  private static final int INDEXED = 0;

  private static final int SAME_RECORD = 1;

  private static final int MAX_RUN_BYTES = 11;
  private static final int MAX_SPAN_BYTES = 15;

  private final byte[] encoded;

  private SourcePositions(byte[] encoded) {
    this.encoded = encoded;
  }

  /**
   * Encodes positions, which are in ascending order.
   *
   * @param partitions the partition of each span
   * @param offsets its offset there; as many as {@code partitions}
   * @param indexes its index in the record; as many as {@code partitions}
   */
  public static SourcePositions of(int[] partitions, long[] offsets, int[] indexes) {
    ByteBuffer out = ByteBuffer.allocate(partitions.length * (MAX_RUN_BYTES + MAX_SPAN_BYTES));
    int start = 0;
    while (start < partitions.length) {
      int end = start;
      boolean indexed = false;
      while (end < partitions.length && partitions[end] == partitions[start]) {
        indexed |= indexes[end] != 0;
        end++;
      }
      VarInts.write(partitions[start], out);
      if (indexed) {
        VarInts.write(INDEXED, out);
      }
      VarInts.write(end - start, out);
      for (int i = start; i < end; i++) {
        long distance = offsets[i] - (i == start ? 0 : offsets[i - 1]);
        if (!indexed) {
          VarInts.write(distance, out);
        } else if (i > start && distance == 0) {
          VarInts.write((indexes[i] - indexes[i - 1]) * 2L + SAME_RECORD, out);
        } else {
          VarInts.write(distance << 1, out);
          VarInts.write(indexes[i], out);
        }
      }
      start = end;
    }
    return new SourcePositions(Arrays.copyOf(out.array(), out.position()));
  }

  /** Wraps what {@link #encoded()} returned; the array must not be changed after. */
  public static SourcePositions ofEncoded(byte[] encoded) {
    return new SourcePositions(encoded);
  }

  /** Returns the compact form; not to be changed. */
  public byte[] encoded() {
    return encoded;
  }

  /** Decodes the positions. Costs an object a span. */
  public List<SourcePosition> all() {
    List<SourcePosition> all = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(encoded);
    while (in.hasRemaining()) {
      int partition = (int) VarInts.read(in);
      long count = VarInts.read(in);
      boolean indexed = count == INDEXED;
      if (indexed) {
        count = VarInts.read(in);
      }
      long offset = 0;
      int index = 0;
      for (long i = 0; i < count; i++) {
        long next = VarInts.read(in);
        if (!indexed) {
          offset += next;
        } else if ((next & SAME_RECORD) != 0) {
          index += (int) (next >>> 1);
        } else {
          offset += next >>> 1;
          index = (int) VarInts.read(in);
        }
        all.add(new SourcePosition(partition, offset, index));
      }
    }
    return all;
  }
}
