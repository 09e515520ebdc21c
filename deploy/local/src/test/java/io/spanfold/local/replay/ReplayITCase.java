package io.spanfold.local.replay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.UnlimitedJson;
import io.spanfold.local.servers.RunDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Replays the bundled samples with the job's jar on real servers. */
class ReplayITCase {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SEGMENT_ID = "sentry.segment.id";
  private static final byte[] BAD_LINE = {'n', 'o', ' ', (byte) 0xff, 'j', 's', 'o', 'n'};

  @TempDir private Path files;

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void writesTheExpectedSegmentsWithUnchangedSpans(int parallelism) throws IOException {
    List<byte[]> sample = lines("/samples/shop.jsonl");
    List<byte[]> input = new ArrayList<>(sample);
    input.add(sample.size() / 2, BAD_LINE);
    write(files.resolve("in.jsonl"), input);

    replay("--parallelism", String.valueOf(parallelism));

    Map<String, JsonNode> sent = new HashMap<>();
    for (byte[] line : sample) {
      JsonNode span = JSON.readTree(line);
      sent.put(spanKey(span), span);
    }
    Map<String, Set<String>> segments = new TreeMap<>();
    int spans = 0;
    for (String line : Files.readAllLines(files.resolve("out.jsonl"))) {
      String segment = null;
      for (JsonNode span : JSON.readTree(line).get("spans")) {
        String id = span.at("/attributes").path(SEGMENT_ID).path("value").asText();
        assertThat(span.get("is_segment").asBoolean())
            .isEqualTo(span.get("span_id").asText().equals(id));
        assertThat(withoutStamp(span)).isEqualTo(withoutStamp(sent.get(spanKey(span))));
        assertThat(segmentKey(span, id))
            .isEqualTo(segment == null ? segmentKey(span, id) : segment);
        segment = segmentKey(span, id);
        segments.computeIfAbsent(segment, key -> new TreeSet<>()).add(span.get("span_id").asText());
        spans++;
      }
    }
    assertThat(spans).isEqualTo(sample.size());
    assertThat(segments).isEqualTo(expected());
    assertThat(Files.readAllLines(files.resolve("dead.jsonl")))
        .singleElement()
        .asString()
        .contains("\"value_base64\":\"bm8g/2pzb24=\"");
    assertThat(files.resolve("outcomes.jsonl")).isEmptyFile();
  }

  @Test
  void everyKindOfBadRecordBecomesADeadLetterAndGoodOnesPass() throws IOException {
    List<byte[]> sample = lines("/samples/hostile.jsonl");
    Map<String, String> reasons = new TreeMap<>();
    for (byte[] line : lines("/samples/hostile.expected.jsonl")) {
      JsonNode bad = JSON.readTree(line);
      reasons.put(value(sample.get(bad.get("line").asInt() - 1)), bad.get("reason").asText());
    }
    List<byte[]> input = new ArrayList<>(sample);
    byte[] tooLarge = ("{\"a\":\"" + "x".repeat(10_100_000) + "\"}").getBytes(UTF_8);
    input.add(sample.size() / 2, tooLarge);
    reasons.put(value(tooLarge), "too-large");
    write(files.resolve("in.jsonl"), input);

    replay();

    Map<String, String> dead = new TreeMap<>();
    for (String line : Files.readAllLines(files.resolve("dead.jsonl"))) {
      JsonNode letter = JSON.readTree(line);
      JsonNode binary = letter.path("value_base64");
      byte[] value =
          binary.isMissingNode()
              ? letter.get("value").asText("").getBytes(UTF_8)
              : binary.binaryValue();
      String before =
          dead.put(
              letter.path("value").isNull() ? "tombstone" : value(value),
              letter.at("/headers/spanfold-reason").asText());
      assertThat(before).as("comes twice").isNull();
    }
    assertThat(dead).isEqualTo(reasons);
    int spans = 0;
    for (String line : Files.readAllLines(files.resolve("out.jsonl"))) {
      spans += JSON.readTree(line).get("spans").size();
    }
    assertThat(spans).isEqualTo(input.size() - reasons.size());
    assertThat(files.resolve("outcomes.jsonl")).isEmptyFile();
  }

  /**
   * Input that readers of such records were reported to fail on: ids of zeros, which are no ids,
   * retries that write the ids in another case, and tokens of a length that parsers refuse.
   */
  @Test
  void inputThatOtherReadersFailOnIsAccountedFor() throws IOException {
    String zeros = "0".repeat(16);
    String trace = "c04600005eed01ea1f2e3d4c5b6a79ce";
    List<String> good =
        List.of(
            span(trace, "00000000000000a0", "null", ""),
            span(trace, "00000000000000a1", "\"00000000000000a0\"", ""),
            span(trace, "00000000000000b0", "\"" + zeros + "\"", ""),
            span(trace, "00000000000000b1", "\"00000000000000b0\"", ""),
            span(trace, "00000000000000c0", "\"\"", ""),
            span(trace, "00000000000000a2", "\"00000000000000a0\"", ",\"k\":1" + "0".repeat(1_500)),
            span(
                trace,
                "00000000000000a3",
                "\"00000000000000a0\"",
                ",\"" + "k".repeat(60_000) + "\":1"));
    List<String> repeats =
        List.of(
            span(trace.toUpperCase(Locale.ROOT), "00000000000000a0", "null", ""),
            span(trace, "00000000000000A1", "\"00000000000000a0\"", ""));
    List<String> bad =
        List.of(
            span(trace, zeros, "null", ""),
            span(zeros + zeros, "00000000000000a0", "null", ""),
            span(zeros + zeros, "00000000000000a0", "null", ",\"k\":\"another request\""));
    List<byte[]> input = new ArrayList<>();
    List.of(good, repeats, bad)
        .forEach(lines -> lines.forEach(line -> input.add(line.getBytes(UTF_8))));
    write(files.resolve("in.jsonl"), input);

    replay();

    Map<String, Set<String>> segments = new TreeMap<>();
    ObjectMapper unlimited = new ObjectMapper(UnlimitedJson.FACTORY);
    for (String line : Files.readAllLines(files.resolve("out.jsonl"))) {
      for (JsonNode span : unlimited.readTree(line).get("spans")) {
        segments
            .computeIfAbsent(
                span.at("/attributes").path(SEGMENT_ID).path("value").asText(),
                segment -> new TreeSet<>())
            .add(span.get("span_id").asText().toLowerCase(Locale.ROOT));
      }
    }
    assertThat(segments)
        .isEqualTo(
            Map.of(
                "00000000000000a0",
                Set.of(
                    "00000000000000a0", "00000000000000a1", "00000000000000a2", "00000000000000a3"),
                "00000000000000b0",
                Set.of("00000000000000b0", "00000000000000b1"),
                "00000000000000c0",
                Set.of("00000000000000c0")));
    assertThat(Files.readAllLines(files.resolve("dead.jsonl")))
        .hasSize(bad.size())
        .allMatch(letter -> letter.contains("\"spanfold-reason\":\"invalid-field\""));
  }

  private static String span(String trace, String id, String parent, String more) {
    return "{\"organization_id\":1,\"project_id\":1,\"received\":1760000000.5,\"trace_id\":\"%s\",\"span_id\":\"%s\",\"parent_span_id\":%s,\"end_timestamp\":1760000000.4%s}"
        .formatted(trace, id, parent, more);
  }

  /** Returns the value that is sent for a line, as text. */
  private static String value(byte[] line) throws IOException {
    String text = new String(line, ISO_8859_1);
    if (text.equals("{\"value\":null}")) {
      return "tombstone";
    }
    return text.startsWith("{\"value_base64\"")
        ? new String(JSON.readTree(line).get("value_base64").binaryValue(), ISO_8859_1)
        : text;
  }

  @Test
  void reportsWhyTheJobRefusesAnOption() throws IOException {
    write(files.resolve("in.jsonl"), lines("/samples/shop.jsonl"));

    assertThatThrownBy(() -> replay("--", "--segment.timeout", "soon"))
        .isInstanceOf(FailedRunException.class)
        .hasMessageStartingWith("the job was refused")
        .hasMessageContaining("segment.timeout");
  }

  private void replay(String... more) throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--input",
                files.resolve("in.jsonl").toString(),
                "--output",
                files.resolve("out.jsonl").toString(),
                "--dead-letters",
                files.resolve("dead.jsonl").toString(),
                "--outcomes",
                files.resolve("outcomes.jsonl").toString()));
    arguments.addAll(List.of(more));
    try (RunDirectory directory = RunDirectory.create(files)) {
      new Replay(directory).run(arguments);
    }
  }

  private static Map<String, Set<String>> expected() throws IOException {
    Map<String, Set<String>> segments = new TreeMap<>();
    for (byte[] line : lines("/samples/shop.expected.jsonl")) {
      JsonNode segment = JSON.readTree(line);
      Set<String> ids = new TreeSet<>();
      segment.get("span_ids").forEach(id -> ids.add(id.asText()));
      segments.put(segmentKey(segment, segment.get("segment_id").asText()), ids);
    }
    return segments;
  }

  private static String segmentKey(JsonNode record, String segmentId) {
    return record.get("project_id") + ":" + record.get("trace_id").asText() + ":" + segmentId;
  }

  private static String spanKey(JsonNode span) {
    return segmentKey(span, span.get("span_id").asText());
  }

  private static JsonNode withoutStamp(JsonNode span) {
    ObjectNode rest = ((ObjectNode) span.deepCopy()).without("is_segment");
    ((ObjectNode) rest.get("attributes")).remove(SEGMENT_ID);
    return rest;
  }

  private static List<byte[]> lines(String resource) throws IOException {
    List<byte[]> lines = new ArrayList<>();
    try (InputStream input = ReplayITCase.class.getResourceAsStream(resource)) {
      LineReader reader = new LineReader(input);
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        lines.add(line);
      }
    }
    return lines;
  }

  private static void write(Path file, List<byte[]> lines) throws IOException {
    try (LineWriter written = LineWriter.create(file)) {
      for (byte[] line : lines) {
        written.write(line);
      }
    }
  }
}
