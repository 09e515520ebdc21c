package io.spanfold.core.payload;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The spans of a subsegment laid out one after another, each as its id, its stamp points and its
 * record. The layout of a frame, big-endian: span id (8 bytes), is-segment start and end,
 * segment-id start and end (4 each), segment-id edit (1), record length (4), record.
 */
public final class SpanFrames {

  private static final int HEADER_BYTES = Long.BYTES + 4 * Integer.BYTES + 1 + Integer.BYTES;

  private SpanFrames() {}

  /** Lays out {@code spans} in their order. */
  public static byte[] encode(List<Span> spans) {
    int length = 0;
    for (Span span : spans) {
      length += HEADER_BYTES + span.record().length;
    }
    ByteBuffer out = ByteBuffer.allocate(length);
    for (Span span : spans) {
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
    return out.array();
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
