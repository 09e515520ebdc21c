package io.spanfold.local.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * Generates rounds of the sample: the same traces each time, with new ids and with times shifted to
 * the start of the round. Equal ids stay equal within a round, so the trees do not change. For use
 * by one thread.
 */
final class SamplePlayer {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SAMPLE = "/samples/shop.jsonl";
  private static final List<String> TIMES = List.of("start_timestamp", "end_timestamp", "received");

  private final List<ObjectNode> sample;
  private final BigDecimal begin;
  private final RandomGenerator random;

  /**
   * A span of a round.
   *
   * @param receivedMillis when it is due, in epoch ms
   */
  record PlayedSpan(String traceId, long receivedMillis, byte[] value) {}

  SamplePlayer(RandomGenerator random) {
    this.random = random;
    this.sample = read();
    this.begin =
        sample.stream()
            .map(span -> span.get("start_timestamp").decimalValue())
            .min(Comparator.naturalOrder())
            .orElseThrow();
  }

  static InputStream open() {
    return SamplePlayer.class.getResourceAsStream(SAMPLE);
  }

  private static List<ObjectNode> read() {
    List<ObjectNode> spans;
    try (InputStream input = open();
        MappingIterator<ObjectNode> lines = JSON.readerFor(ObjectNode.class).readValues(input)) {
      spans = lines.readAll();
    } catch (IOException e) {
      throw new UncheckedIOException("the sample cannot be read: " + SAMPLE, e);
    }
    spans.sort(Comparator.comparing(span -> span.get("received").decimalValue()));
    return spans;
  }

  /** Returns the spans of a round that starts at the given time, in the order of sending. */
  List<PlayedSpan> round(long beginMillis) {
    Map<String, String> ids = new HashMap<>();
    BigDecimal shift = BigDecimal.valueOf(beginMillis, 3).subtract(begin);
    List<PlayedSpan> round = new ArrayList<>(sample.size());
    for (ObjectNode original : sample) {
      ObjectNode span = original.deepCopy();
      for (String field : List.of("trace_id", "span_id", "parent_span_id")) {
        JsonNode id = span.get(field);
        if (id != null && id.isTextual()) {
          span.put(field, ids.computeIfAbsent(id.textValue(), this::freshId));
        }
      }
      for (String field : TIMES) {
        span.set(field, DecimalNode.valueOf(span.get(field).decimalValue().add(shift)));
      }
      long due = span.get("received").decimalValue().movePointRight(3).longValue();
      round.add(new PlayedSpan(span.get("trace_id").textValue(), due, bytes(span)));
    }
    return round;
  }

  /** Returns a random id of the same length. */
  private String freshId(String id) {
    byte[] bytes = new byte[id.length() / 2];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static byte[] bytes(ObjectNode span) {
    try {
      return JSON.writeValueAsBytes(span);
    } catch (IOException e) {
      throw new UncheckedIOException("a span of the sample cannot be written", e);
    }
  }
}
