package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import io.spanfold.core.model.TraceKey;

/** Makes spans for tests. */
public final class Spans {

  private Spans() {}

  /** Positions of one span a record, in partition 0. */
  public static SourcePositions positions(long... offsets) {
    return SourcePositions.of(new int[offsets.length], offsets, new int[offsets.length]);
  }

  /** A span below {@code parentId}, with a small record of its own. */
  public static Span child(
      TraceKey trace, long spanId, long parentId, long timestamp, long offset) {
    return span(trace, spanId, parentId, false, timestamp, offset);
  }

  /** A segment root. */
  public static Span root(TraceKey trace, long spanId, long timestamp, long offset) {
    return span(trace, spanId, spanId, true, timestamp, offset);
  }

  /** Returns {@code span} as another one of its record. */
  public static Span withIndex(Span span, int index) {
    return new Span(
        span.trace(),
        span.spanId(),
        span.parentId(),
        span.root(),
        span.timestamp(),
        span.organizationId(),
        span.partition(),
        span.offset(),
        index,
        span.stampPoints(),
        span.record());
  }

  /** Any span; its stamp points are those of a record with neither of the two fields. */
  public static Span span(
      TraceKey trace, long spanId, long parentId, boolean root, long timestamp, long offset) {
    String record = "{\"span_id\":\"%s\",\"n\":%d}".formatted(Hex.id(spanId), offset);
    return new Span(
        trace,
        spanId,
        parentId,
        root,
        timestamp,
        1,
        0,
        offset,
        0,
        new StampPoints(1, 1, 1, 1, SegmentIdEdit.ADD_ATTRIBUTES),
        record.getBytes(UTF_8));
  }
}
