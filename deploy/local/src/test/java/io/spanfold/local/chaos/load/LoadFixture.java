package io.spanfold.local.chaos.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** A small load, and the messages that a job without a fault would make of it. */
final class LoadFixture {

  static final TraceGenerator.Times TIMES = new TraceGenerator.Times(4_000, 5_000, 20_000, 10_000);
  static final int TOO_LARGE_BYTES = 70_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  private LoadFixture() {}

  /** A message of a segment with one span. */
  record Message(String key, String reason, ObjectNode span) {

    void into(DeliveryVerifier verifier) {
      ObjectNode value = JSON.createObjectNode();
      value.putArray("spans").add(span);
      try {
        verifier.segment(key, reason, JSON.writeValueAsBytes(value), 1_000);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    Message because(String other) {
      return new Message(key, other, span);
    }

    /** Returns the same in another segment. */
    Message in(String segmentId) {
      ObjectNode moved = span.deepCopy();
      stamp(moved, segmentId);
      return new Message(key, reason, moved);
    }
  }

  static List<PlannedRecord> records(long seed, int traces) {
    TraceGenerator generator = new TraceGenerator(seed, TIMES, TOO_LARGE_BYTES);
    List<PlannedRecord> records = new ArrayList<>();
    for (int i = 0; i < traces; i++) {
      records.addAll(generator.nextTrace(i * 100L));
    }
    return records;
  }

  static List<PlannedRecord> spans(List<PlannedRecord> records) {
    return records.stream().filter(r -> r.span() != null && !r.span().copy()).toList();
  }

  static Message message(PlannedRecord planned) {
    ObjectNode span = json(planned);
    stamp(span, planned.span().segmentId());
    return new Message(planned.span().trace(), "idle", span);
  }

  static ObjectNode json(PlannedRecord planned) {
    try {
      return (ObjectNode) JSON.readTree(new String(planned.value(), UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void stamp(ObjectNode span, String segmentId) {
    span.put("is_segment", span.get("span_id").asText().equals(segmentId));
    span.withObject("/attributes/sentry.segment.id").put("value", segmentId);
  }
}
