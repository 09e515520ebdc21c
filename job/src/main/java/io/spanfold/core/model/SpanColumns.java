package io.spanfold.core.model;

import java.util.Arrays;

/**
 * The spans of one trace in one batch as the fold sees them, in the order in which they came. One
 * array per field, because one object per span would cost several times the memory. A span's bytes
 * are found by its subsegment (an index into the list that accompanies these columns) and its index
 * there.
 *
 * <p>Filled by {@link #add}, then only read; not safe for concurrent use while it is filled.
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

  /** Creates empty columns with room for {@code capacity} spans; they grow as needed. */
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

  /** Appends a span of other columns, under another subsegment index. */
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

  public int size() {
    return size;
  }

  public long spanId(int row) {
    return spanIds[row];
  }

  /** Returns the id that the span hangs under: its own for a root. */
  public long parentId(int row) {
    return parentIds[row];
  }

  public boolean root(int row) {
    return roots[row];
  }

  /** Returns the record time in milliseconds. */
  public long timestamp(int row) {
    return timestamps[row];
  }

  public int recordBytes(int row) {
    return recordBytes[row];
  }

  /** Returns which subsegment of the trace's list holds the span. */
  public int subsegment(int row) {
    return subsegments[row];
  }

  /** Returns which span of its subsegment this is, from 0. */
  public int index(int row) {
    return indexes[row];
  }
}
