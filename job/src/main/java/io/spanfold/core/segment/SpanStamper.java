package io.spanfold.core.segment;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import io.spanfold.core.payload.BufferedSpan;
import java.util.stream.Stream;

/**
 * Sets the two fields that the sink adds to a segment's spans, and changes nothing else: every byte
 * outside the stamp points is copied. {@code is_segment} becomes true on the span whose id is the
 * segment's and false on all others; {@code attributes["sentry.segment.id"]} is added to a record
 * that has none.
 *
 * <p>Immutable. Stamping costs two or three array copies per span and allocates nothing.
 */
public final class SpanStamper {

  private static final byte[] TRUE = ascii("true");
  private static final byte[] FALSE = ascii("false");
  private static final byte[] ADD_TRUE = ascii("\"is_segment\":true,");
  private static final byte[] ADD_FALSE = ascii("\"is_segment\":false,");

  /** By {@link SegmentIdEdit#ordinal()}. */
  private static final SegmentIdText[] SEGMENT_ID_TEXTS =
      Stream.of(SegmentIdEdit.values()).map(SegmentIdText::of).toArray(SegmentIdText[]::new);

  /**
   * The most bytes that stamping adds to a record: both fields, on a span that is not the segment's
   * root.
   */
  static final int MAX_GROWTH =
      ADD_FALSE.length + SegmentIdText.of(SegmentIdEdit.ADD_ATTRIBUTES).bytes.length;

  private final long segmentId;

  public SpanStamper(long segmentId) {
    this.segmentId = segmentId;
  }

  /** Returns how many bytes {@link #stamp} writes for {@code span}. */
  public int stampedLength(BufferedSpan span) {
    StampPoints points = span.stampPoints();
    return span.length()
        - (points.isSegmentEnd() - points.isSegmentStart())
        + isSegmentText(span).length
        - (points.segmentIdEnd() - points.segmentIdStart())
        + segmentIdText(points).bytes.length;
  }

  /**
   * Writes {@code span}, stamped, into {@code out} from {@code at} on.
   *
   * @return the place after the last byte written
   */
  public int stamp(BufferedSpan span, byte[] out, int at) {
    StampPoints points = span.stampPoints();
    byte[] isSegment = isSegmentText(span);
    Splice splice = new Splice(span, out, at);
    // Both may be insertions at the same place, after the record's brace. Either order is right
    // there, but it has to be the same when the part is flushed again.
    if (points.isSegmentStart() <= points.segmentIdStart()) {
      splice.replace(points.isSegmentStart(), points.isSegmentEnd(), isSegment);
      splice.replace(points.segmentIdStart(), points.segmentIdEnd(), segmentIdText(points));
    } else {
      splice.replace(points.segmentIdStart(), points.segmentIdEnd(), segmentIdText(points));
      splice.replace(points.isSegmentStart(), points.isSegmentEnd(), isSegment);
    }
    return splice.finish();
  }

  private byte[] isSegmentText(BufferedSpan span) {
    boolean isRoot = span.spanId() == segmentId;
    if (span.stampPoints().hasIsSegment()) {
      return isRoot ? TRUE : FALSE;
    }
    return isRoot ? ADD_TRUE : ADD_FALSE;
  }

  private static SegmentIdText segmentIdText(StampPoints points) {
    return SEGMENT_ID_TEXTS[points.segmentIdEdit().ordinal()];
  }

  private static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }

  /** The text of an edit. It is the same for all segments but for the id. */
  private static final class SegmentIdText {

    /** Stands where the id is written. */
    private static final String NO_ID = Hex.id(0);

    final byte[] bytes;

    /** Where the id is; -1 if the text has none. */
    final int idAt;

    private SegmentIdText(String text) {
      this.bytes = ascii(text);
      this.idAt = text.indexOf(NO_ID);
    }

    static SegmentIdText of(SegmentIdEdit edit) {
      String value = "{\"type\":\"string\",\"value\":\"" + NO_ID + "\"}";
      String member = "\"sentry.segment.id\":" + value;
      return new SegmentIdText(
          switch (edit) {
            case KEEP -> "";
            case ADD_ATTRIBUTES -> "\"attributes\":{" + member + "},";
            case REPLACE_NULL_ATTRIBUTES -> "{" + member + "}";
            case ADD_ONLY_MEMBER -> member;
            case ADD_FIRST_MEMBER -> member + ",";
            case REPLACE_MEMBER -> value;
          });
    }
  }

  /** Copies a record and replaces ranges of it, in ascending order. */
  private final class Splice {
    private final BufferedSpan span;
    private final byte[] out;
    private int at;
    private int copied;

    Splice(BufferedSpan span, byte[] out, int at) {
      this.span = span;
      this.out = out;
      this.at = at;
    }

    void replace(int start, int end, byte[] text) {
      copyUntil(start);
      System.arraycopy(text, 0, out, at, text.length);
      at += text.length;
      copied = end;
    }

    void replace(int start, int end, SegmentIdText text) {
      replace(start, end, text.bytes);
      if (text.idAt >= 0) {
        Hex.write(segmentId, out, at - text.bytes.length + text.idAt);
      }
    }

    int finish() {
      copyUntil(span.length());
      return at;
    }

    private void copyUntil(int end) {
      System.arraycopy(span.buffer(), span.start() + copied, out, at, end - copied);
      at += end - copied;
      copied = end;
    }
  }
}
