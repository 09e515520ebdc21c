package io.spanfold.reference;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.Span;
import io.spanfold.core.payload.BufferedSpan;
import io.spanfold.core.segment.SpanStamper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes a segment as one message, with its spans stamped like Spanfold's. */
final class SegmentJson {

  private static final byte[] BEFORE = "{\"spans\":[".getBytes(US_ASCII);
  private static final byte[] AFTER = "]}".getBytes(US_ASCII);

  private SegmentJson() {}

  /** Returns the message's value. */
  static byte[] of(List<Span> segment) {
    SpanStamper stamper = new SpanStamper(nameOf(segment));
    List<BufferedSpan> spans = new ArrayList<>(segment.size());
    int length = BEFORE.length + AFTER.length + segment.size() - 1;
    for (Span span : segment) {
      byte[] record = span.record();
      BufferedSpan buffered =
          new BufferedSpan(span.spanId(), span.stampPoints(), record, 0, record.length);
      spans.add(buffered);
      length += stamper.stampedLength(buffered);
    }
    byte[] value = new byte[length];
    System.arraycopy(BEFORE, 0, value, 0, BEFORE.length);
    int at = BEFORE.length;
    for (int i = 0; i < spans.size(); i++) {
      if (i > 0) {
        value[at++] = ',';
      }
      at = stamper.stamp(spans.get(i), value, at);
    }
    System.arraycopy(AFTER, 0, value, at, AFTER.length);
    return value;
  }

  private static long nameOf(List<Span> segment) {
    Map<Long, Long> parents = new HashMap<>();
    for (Span span : segment) {
      parents.put(span.spanId(), span.parentId());
    }
    return Segments.topmost(segment.get(0).spanId(), parents);
  }
}
