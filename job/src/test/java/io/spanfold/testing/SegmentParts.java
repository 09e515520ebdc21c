package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.NaiveFold.Flushed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Parts as text, {@code project:trace segment part [spans]}, as expected and as they came. */
public final class SegmentParts {

  private static final ObjectMapper JSON = new ObjectMapper();

  private SegmentParts() {}

  /** Returns the parts that the rules demand, sorted. */
  public static List<String> expected(Map<TraceKey, NaiveFold> oracles) {
    return expected(oracles, span -> true);
  }

  /**
   * Returns the same, of those spans only that can be emitted, and without parts that have none.
   */
  public static List<String> expected(Map<TraceKey, NaiveFold> oracles, Predicate<Span> emittable) {
    List<String> parts = new ArrayList<>();
    oracles.forEach(
        (trace, oracle) -> {
          for (Flushed part : oracle.flushed) {
            Set<String> spans =
                part.spans().stream()
                    .filter(emittable)
                    .map(span -> Hex.id(span.spanId()) + "/" + span.offset())
                    .collect(Collectors.toCollection(TreeSet::new));
            if (!spans.isEmpty()) {
              parts.add(line(trace.toString(), Hex.id(part.segmentId()), part.number(), spans));
            }
          }
        });
    parts.sort(Comparator.naturalOrder());
    return parts;
  }

  /** Folds spans by the plain rules, each trace separately. */
  public static Map<TraceKey, NaiveFold> fold(
      io.spanfold.core.fold.FoldSettings settings, List<Span> spans) {
    Map<TraceKey, NaiveFold> oracles = new HashMap<>();
    spans.forEach(
        span -> oracles.computeIfAbsent(span.trace(), trace -> new NaiveFold(settings)).add(span));
    oracles.values().forEach(NaiveFold::end);
    return oracles;
  }

  /** Returns the parts that were committed, sorted; each must be one message. */
  public static List<String> committed(List<ConsumerRecord<byte[], byte[]>> records) {
    List<String> parts = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> consumed : records) {
      if (!header(consumed, "chunks").equals("1")) {
        throw new AssertionError("a part in several messages: this comparison cannot take it");
      }
      Set<String> spans = new TreeSet<>();
      String segment = null;
      for (JsonNode span : read(consumed.value()).get("spans")) {
        segment = segmentId(span);
        if (!spans.add(span.get("span_id").textValue() + "/" + span.get("n").longValue())) {
          throw new AssertionError("a span twice in a message: " + span);
        }
      }
      int part = Integer.parseInt(header(consumed, "part"));
      parts.add(line(new String(consumed.key(), UTF_8), segment, part, spans));
    }
    parts.sort(Comparator.naturalOrder());
    return parts;
  }

  /**
   * Returns missing ({@code -}) and surplus ({@code +}) parts, each as often as the counts differ.
   */
  public static List<String> differences(List<String> expected, List<String> actual) {
    List<String> differences = new ArrayList<>();
    List<String> rest = new ArrayList<>(actual);
    for (String part : expected) {
      int at = Collections.binarySearch(rest, part);
      if (at >= 0) {
        rest.remove(at);
      } else {
        differences.add("- " + part);
      }
    }
    rest.forEach(part -> differences.add("+ " + part));
    return differences;
  }

  private static String header(ConsumerRecord<byte[], byte[]> consumed, String name) {
    return new String(consumed.headers().lastHeader(name).value(), UTF_8);
  }

  private static String segmentId(JsonNode span) {
    return span.get("attributes").get("sentry.segment.id").get("value").textValue();
  }

  private static String line(String trace, String segment, int part, Set<String> spans) {
    return trace + " " + segment + " " + part + " " + spans;
  }

  private static JsonNode read(byte[] value) {
    try {
      return JSON.readTree(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
