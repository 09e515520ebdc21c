package io.spanfold.local.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SamplePlayerTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long BEGIN = 1_800_000_000_000L;

  @Test
  void aRoundReplacesEachIdByANewOneOfTheSameForm() throws IOException {
    Map<String, String> fresh = new HashMap<>();
    List<JsonNode> sample = sample();
    List<JsonNode> round = parse(new SamplePlayer(new Random(1)).round(BEGIN));

    assertThat(round).hasSameSizeAs(sample);
    for (int i = 0; i < sample.size(); i++) {
      for (String field : List.of("trace_id", "span_id", "parent_span_id")) {
        JsonNode original = sample.get(i).path(field);
        JsonNode played = round.get(i).path(field);
        if (original.isTextual()) {
          assertThat(played.asText()).matches("[0-9a-f]{" + original.asText().length() + "}");
          assertThat(fresh.computeIfAbsent(original.asText(), id -> played.asText()))
              .isEqualTo(played.asText())
              .isNotEqualTo(original.asText());
        } else {
          assertThat(played).isEqualTo(original);
        }
      }
    }
    assertThat(new HashSet<>(fresh.values())).hasSize(fresh.size());
  }

  @Test
  void roundsShareNoIds() throws IOException {
    SamplePlayer player = new SamplePlayer(new Random(2));

    Set<String> first = spanIds(parse(player.round(BEGIN)));
    Set<String> second = spanIds(parse(player.round(BEGIN + 60_000)));

    assertThat(first).isNotEmpty().doesNotContainAnyElementsOf(second);
  }

  @Test
  void aRoundShiftsAllTimesEquallyAndChangesNothingElse() throws IOException {
    List<JsonNode> sample = sample();
    List<SamplePlayer.PlayedSpan> played = new SamplePlayer(new Random(3)).round(BEGIN);
    List<JsonNode> round = parse(played);

    double shift = time(round.get(0), "received") - time(sample.get(0), "received");
    double begin = Double.MAX_VALUE;
    for (int i = 0; i < sample.size(); i++) {
      for (String field : List.of("start_timestamp", "end_timestamp", "received")) {
        assertThat(time(round.get(i), field) - time(sample.get(i), field))
            .isCloseTo(shift, org.assertj.core.data.Offset.offset(1e-5));
      }
      begin = Math.min(begin, time(round.get(i), "start_timestamp"));
      assertThat(played.get(i).receivedMillis())
          .isEqualTo((long) (time(round.get(i), "received") * 1_000));
      assertThat(withoutIdsAndTimes(round.get(i))).isEqualTo(withoutIdsAndTimes(sample.get(i)));
    }
    assertThat(begin).isEqualTo(BEGIN / 1_000.0);
    assertThat(played)
        .isSortedAccordingTo((a, b) -> Long.compare(a.receivedMillis(), b.receivedMillis()));
  }

  private static double time(JsonNode span, String field) {
    return span.get(field).asDouble();
  }

  private static JsonNode withoutIdsAndTimes(JsonNode span) {
    return ((ObjectNode) span.deepCopy())
        .remove(
            List.of(
                "trace_id",
                "span_id",
                "parent_span_id",
                "start_timestamp",
                "end_timestamp",
                "received"));
  }

  private static Set<String> spanIds(List<JsonNode> round) {
    Set<String> ids = new HashSet<>();
    round.forEach(span -> ids.add(span.get("span_id").asText()));
    return ids;
  }

  private static List<JsonNode> sample() throws IOException {
    try (InputStream input = SamplePlayer.open();
        MappingIterator<JsonNode> lines = JSON.readerFor(JsonNode.class).readValues(input)) {
      return lines.readAll();
    }
  }

  private static List<JsonNode> parse(List<SamplePlayer.PlayedSpan> round) throws IOException {
    List<JsonNode> parsed = new ArrayList<>();
    for (SamplePlayer.PlayedSpan span : round) {
      parsed.add(JSON.readTree(span.value()));
    }
    return parsed;
  }
}
