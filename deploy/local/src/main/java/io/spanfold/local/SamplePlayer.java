package io.spanfold.local;

import com.fasterxml.jackson.databind.JsonNode;
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
 * Makes rounds of the sample: the same traces each time, with ids that no round had before and
 * times that begin when the round does. Within a round equal ids stay equal, so that the trees are
 * the sample's. For use by one thread.
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
   * @param receivedMillis when it is due to be sent, in ms since the epoch
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

  /** Opens the sample that comes with this module. */
  static InputStream open() {
    return SamplePlayer.class.getResourceAsStream(SAMPLE);
  }

  private static List<ObjectNode> read() {
    List<ObjectNode> spans = new ArrayList<>();
    try (LineReader lines = new LineReader(open())) {
      for (byte[] line = lines.next(); line != null; line = lines.next()) {
        spans.add((ObjectNode) JSON.readTree(line));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the sample cannot be read: " + SAMPLE, e);
    }
    spans.sort(Comparator.comparing(span -> span.get("received").decimalValue()));
    return spans;
  }

  /** Returns a round that begins at the given time, in the order in which it is to be sent. */
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

  /** Returns a random id as long as the one that it stands for. */
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
