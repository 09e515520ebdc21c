package io.spanfold.core.model;

import java.util.Arrays;

/**
 * The spans of one trace in one batch as the fold sees them, in the order in which they came. A
 * span's bytes are found by its subsegment (an index into the list that accompanies these columns)
 * and its index there.
 *
 * <p>One array for all numbers of 64 bits and one for those of 32, because most traces have a few
 * spans in a batch: an object per span, or an array per field, would cost more than the numbers.
 *
 * <p>Filled by {@link #add}, then only read; not safe for concurrent use while it is filled.
 */
public final class SpanColumns {

  private static final int SPAN_ID = 0;
  private static final int PARENT_ID = 1;
  private static final int TIMESTAMP = 2;
  private static final int LONGS = 3;

  /** The length of the record of a span; of a root, its complement, which is negative. */
  private static final int RECORD_BYTES = 0;

  private static final int SUBSEGMENT = 1;
  private static final int INDEX = 2;
  private static final int INTS = 3;

  private int size;
  private long[] longs;
  private int[] ints;

  /** Creates empty columns with room for {@code capacity} spans; they grow as needed. */
  public SpanColumns(int capacity) {
    int room = Math.max(1, capacity);
    longs = new long[room * LONGS];
    ints = new int[room * INTS];
  }

  /**
   * Appends a span.
   *
   * @param spanId its id
   * @param parentId the id it hangs under, its own for a root
   * @param root whether it is a segment root
   * @param timestamp record time in milliseconds
   * @param bytes length of its record, at least 0
   * @param subsegment which subsegment of the batch's list for this trace holds it
   * @param index which span of that subsegment it is, from 0
   */
  public void add(
      long spanId,
      long parentId,
      boolean root,
      long timestamp,
      int bytes,
      int subsegment,
      int index) {
    int at = size * LONGS;
    if (at == longs.length) {
      longs = Arrays.copyOf(longs, longs.length * 2);
      ints = Arrays.copyOf(ints, ints.length * 2);
    }
    longs[at + SPAN_ID] = spanId;
    longs[at + PARENT_ID] = parentId;
    longs[at + TIMESTAMP] = timestamp;
    at = size * INTS;
    ints[at + RECORD_BYTES] = root ? ~bytes : bytes;
    ints[at + SUBSEGMENT] = subsegment;
    ints[at + INDEX] = index;
    size++;
  }

  /** Appends a span of other columns, under another subsegment index. */
  public void addFrom(SpanColumns other, int row, int subsegment) {
    add(
        other.spanId(row),
        other.parentId(row),
        other.root(row),
        other.timestamp(row),
        other.recordBytes(row),
        subsegment,
        other.index(row));
  }

  public int size() {
    return size;
  }

  public long spanId(int row) {
    return longs[row * LONGS + SPAN_ID];
  }

  /** Returns the id that the span hangs under: its own for a root. */
  public long parentId(int row) {
    return longs[row * LONGS + PARENT_ID];
  }

  public boolean root(int row) {
    return ints[row * INTS + RECORD_BYTES] < 0;
  }

  /** Returns the record time in milliseconds. */
  public long timestamp(int row) {
    return longs[row * LONGS + TIMESTAMP];
  }

  public int recordBytes(int row) {
    int bytes = ints[row * INTS + RECORD_BYTES];
    return bytes < 0 ? ~bytes : bytes;
  }

  /** Returns which subsegment of the trace's list holds the span. */
  public int subsegment(int row) {
    return ints[row * INTS + SUBSEGMENT];
  }

  /** Returns which span of its subsegment this is, from 0. */
  public int index(int row) {
    return ints[row * INTS + INDEX];
  }
}
