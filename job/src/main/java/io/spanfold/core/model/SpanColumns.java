package io.spanfold.core.model;

import java.util.Arrays;

/**
 * The spans of one trace in one batch as the fold sees them, in the order in which they came: a
 * column a field, as there are many and none is looked at twice. Where a span's bytes are is told
 * by its subsegment (an index into the list that travels along with these columns) and its index
 * there.
 *
 * <p>Grown by {@link #add} and only read after that; not safe for concurrent use while it grows.
 */
public final class SpanColumns {

  private int size;
  private long[] spanIds;
  private long[] parentIds;
  private long[] timestamps;
  private int[] recordBytes;
  private int[] subsegments;
  private int[] indexes;
  private boolean[] roots;

  /** Makes empty columns with room for {@code capacity} spans; more room is made as needed. */
  public SpanColumns(int capacity) {
    int room = Math.max(1, capacity);
    spanIds = new long[room];
    parentIds = new long[room];
    timestamps = new long[room];
    recordBytes = new int[room];
    subsegments = new int[room];
    indexes = new int[room];
    roots = new boolean[room];
  }

  /**
   * Appends a span.
   *
   * @param spanId its id
   * @param parentId the id it hangs under, its own for a root
   * @param root whether it is a segment root
   * @param timestamp record time in milliseconds
   * @param bytes length of its record
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
    if (size == spanIds.length) {
      grow();
    }
    spanIds[size] = spanId;
    parentIds[size] = parentId;
    roots[size] = root;
    timestamps[size] = timestamp;
    recordBytes[size] = bytes;
    subsegments[size] = subsegment;
    indexes[size] = index;
    size++;
  }

  /** Appends a span of other columns, as of another subsegment. */
  public void addFrom(SpanColumns other, int row, int subsegment) {
    add(
        other.spanIds[row],
        other.parentIds[row],
        other.roots[row],
        other.timestamps[row],
        other.recordBytes[row],
        subsegment,
        other.indexes[row]);
  }

  private void grow() {
    int room = size * 2;
    spanIds = Arrays.copyOf(spanIds, room);
    parentIds = Arrays.copyOf(parentIds, room);
    timestamps = Arrays.copyOf(timestamps, room);
    recordBytes = Arrays.copyOf(recordBytes, room);
    subsegments = Arrays.copyOf(subsegments, room);
    indexes = Arrays.copyOf(indexes, room);
    roots = Arrays.copyOf(roots, room);
  }

  /** Returns the number of spans. */
  public int size() {
    return size;
  }

  /** Returns the id of span {@code row}. */
  public long spanId(int row) {
    return spanIds[row];
  }

  /** Returns the id that span {@code row} hangs under: its own for a root. */
  public long parentId(int row) {
    return parentIds[row];
  }

  /** Returns whether span {@code row} is a segment root. */
  public boolean root(int row) {
    return roots[row];
  }

  /** Returns the record time of span {@code row} in milliseconds. */
  public long timestamp(int row) {
    return timestamps[row];
  }

  /** Returns the length of span {@code row}'s record in bytes. */
  public int recordBytes(int row) {
    return recordBytes[row];
  }

  /** Returns which subsegment of the trace's list holds span {@code row}. */
  public int subsegment(int row) {
    return subsegments[row];
  }

  /** Returns which span of its subsegment span {@code row} is. */
  public int index(int row) {
    return indexes[row];
  }
}
