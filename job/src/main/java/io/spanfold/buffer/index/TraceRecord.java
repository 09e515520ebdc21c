package io.spanfold.buffer.index;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The record of a trace in the hash of its bucket.
 *
 * @param seconds the time of the last write, in seconds since 1970 by the writer's clock
 * @param large whether the trace is large: then its segments are in a hash of their own, which
 *     {@link LargeRecord} reads
 * @param segments its segments; none if it is large
 */
public record TraceRecord(long seconds, boolean large, List<SegmentRecord> segments) {

  private static final int LARGE = 3;
  private static final int PACKED = 1;

  /**
   * A segment of the record.
   *
   * @param name its current name
   * @param formerNames the names it had before
   * @param spanIds the ids of its spans that are none of its names
   * @param hasRoot whether its root is known
   * @param subsegments its subsegments
   */
  public record SegmentRecord(
      long name,
      List<Long> formerNames,
      List<Long> spanIds,
      boolean hasRoot,
      List<SubsegmentRecord> subsegments) {}

  /**
   * Reads a record.
   *
   * @throws IllegalArgumentException if the bytes are no record
   */
  public static TraceRecord decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      int form = in.get();
      if (form != PACKED && form != LARGE) {
        throw new IllegalArgumentException("a record of a trace of the unknown form " + form);
      }
      long seconds = Integer.toUnsignedLong(in.getInt());
      List<SegmentRecord> segments = new ArrayList<>();
      while (form == PACKED && in.hasRemaining()) {
        segments.add(segment(in));
      }
      return new TraceRecord(seconds, form == LARGE, segments);
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("a record of a trace that is cut off", e);
    }
  }

  private static SegmentRecord segment(ByteBuffer in) {
    int formerNames = Short.toUnsignedInt(in.getShort());
    int spans = Short.toUnsignedInt(in.getShort());
    int subsegments = Short.toUnsignedInt(in.getShort());
    boolean hasRoot = in.get() == 1;
    long name = in.getLong();
    List<Long> former = ids(formerNames, in);
    List<Long> spanIds = ids(spans, in);
    List<SubsegmentRecord> all = new ArrayList<>(subsegments);
    for (int i = 0; i < subsegments; i++) {
      all.add(SubsegmentRecord.read(in.getLong(), in));
    }
    return new SegmentRecord(name, former, spanIds, hasRoot, all);
  }

  private static List<Long> ids(int count, ByteBuffer in) {
    List<Long> ids = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      ids.add(in.getLong());
    }
    return ids;
  }
}
