package io.spanfold.core.payload;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Spans laid out one after another, each as its id, its stamp points and its record. The layout of
 * a frame, big-endian: span id (8 bytes), is-segment start and end, segment-id start and end (4
 * each), segment-id edit (1), record length (4), record.
 */
public final class SpanFrames {

  private static final int HEADER_BYTES = Long.BYTES + 4 * Integer.BYTES + 1 + Integer.BYTES;

  private SpanFrames() {}

  /**
   * Returns the length of the frames of spans.
   *
   * @param spans how many
   * @param recordBytes the length of their records together
   */
  public static long length(int spans, long recordBytes) {
    return recordBytes + (long) HEADER_BYTES * spans;
  }

  /** Lays out {@code spans} in their order. */
  public static byte[] encode(List<Span> spans) {
    long recordBytes = spans.stream().mapToLong(span -> span.record().length).sum();
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(length(spans.size(), recordBytes)));
    spans.forEach(span -> write(span, out));
    return out.array();
  }

  /** Lays out {@code span} at the position of {@code out}. */
  public static void write(Span span, ByteBuffer out) {
    StampPoints points = span.stampPoints();
    out.putLong(span.spanId())
        .putInt(points.isSegmentStart())
        .putInt(points.isSegmentEnd())
        .putInt(points.segmentIdStart())
        .putInt(points.segmentIdEnd())
        .put((byte) points.segmentIdEdit().code())
        .putInt(span.record().length)
        .put(span.record());
  }

  /**
   * Passes every span of {@code frames} to {@code visitor}, in order.
   *
   * @throws IllegalArgumentException if the bytes are not frames
   */
  public static void forEach(byte[] frames, Visitor visitor) {
    ByteBuffer in = ByteBuffer.wrap(frames);
    int index = 0;
    while (in.hasRemaining()) {
      if (in.remaining() < HEADER_BYTES) {
        throw new IllegalArgumentException("a frame's header is cut off at byte " + in.position());
      }
      long spanId = in.getLong();
      int isSegmentStart = in.getInt();
      int isSegmentEnd = in.getInt();
      int segmentIdStart = in.getInt();
      int segmentIdEnd = in.getInt();
      int edit = in.get();
      int length = in.getInt();
      if (length < 0 || length > in.remaining()) {
        throw new IllegalArgumentException("a frame is broken before byte " + in.position());
      }
      StampPoints points =
          new StampPoints(
              isSegmentStart,
              isSegmentEnd,
              segmentIdStart,
              segmentIdEnd,
              SegmentIdEdit.ofCode(edit));
      visitor.span(index++, new BufferedSpan(spanId, points, frames, in.position(), length));
      in.position(in.position() + length);
    }
  }

  @FunctionalInterface
  public interface Visitor {
    /**
     * One span.
     *
     * @param index which span of the subsegment, from 0
     * @param span the span; it shares the array of the frames
     */
    void span(int index, BufferedSpan span);
  }
}
