package io.spanfold.local.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SpanStreamTest {

  private static final long START = 1_700_000_000_000L;

  @Test
  void typicalSpansHaveTheLengthAndAttributesOfTheLoad() throws IOException {
    List<byte[]> records = records(Load.typical(5_000));

    assertThat(records.stream().mapToInt(r -> r.length).average().orElseThrow())
        .isBetween(1_470.0, 1_510.0);
    for (byte[] record : records.subList(0, 200)) {
      JsonNode span = new ObjectMapper().readTree(record);
      assertThat(span.path("attributes").size()).isEqualTo(18);
      assertThat(span.path("is_segment").asBoolean())
          .isEqualTo(span.path("parent_span_id").isNull());
    }
  }

  @Test
  void hugeAndSmallSpansHaveTheLengthOfTheLoad() {
    assertThat(records(Load.huge(100)).stream().mapToInt(r -> r.length).average().orElseThrow())
        .isBetween(261_000.0, 264_000.0);
    Load small = Load.growth("small", 1_000, 10, 100, Load.Shape.FLAT, 1_000);
    assertThat(records(small).stream().mapToInt(r -> r.length).average().orElseThrow())
        .isLessThan(520.0);
  }

  @Test
  void aSegmentIsOneTree() throws IOException {
    Map<String, Map<String, String>> parents = new HashMap<>();
    for (byte[] record : records(Load.typical(150_000))) {
      JsonNode span = new ObjectMapper().readTree(record);
      parents
          .computeIfAbsent(span.path("trace_id").asText(), t -> new HashMap<>())
          .put(span.path("span_id").asText(), span.path("parent_span_id").asText("none"));
    }

    List<Map<String, String>> whole =
        parents.values().stream().filter(tree -> tree.size() == 25).toList();
    assertThat(whole).hasSizeGreaterThan(1_500);
    for (Map<String, String> tree : whole) {
      Set<String> missing = new HashSet<>(tree.values());
      missing.removeAll(tree.keySet());
      assertThat(missing).containsExactly("none");
    }
  }

  @Test
  void oneOpenTraceInAHundredHasFourFifthsOfTheSkewedLoad() throws IOException {
    Map<String, Integer> spans = new HashMap<>();
    for (byte[] record : records(Load.skewed(100_000))) {
      spans.merge(new ObjectMapper().readTree(record).path("trace_id").asText(), 1, Integer::sum);
    }

    List<Integer> hot = spans.values().stream().filter(count -> count > 25).toList();
    assertThat(hot).hasSizeBetween(8, 12);
    assertThat(hot.stream().mapToInt(Integer::intValue).sum() / 100_000.0).isBetween(0.78, 0.82);
  }

  @Test
  void aChainStartsWithTheLeaf() {
    SpanStream stream =
        new SpanStream(Load.growth("chain", 1_000, 100, 1, Load.Shape.CHAIN, 1_000), START);
    stream.next();
    long before = stream.number();
    while (stream.hasNext()) {
      stream.next();
      boolean same = stream.number() / 100 == before / 100;
      assertThat(stream.number()).isEqualTo(same ? before - 1 : (before / 100 + 1) * 100 + 99);
      before = stream.number();
    }
  }

  @Test
  void aLoadAlwaysHasTheSameRecords() {
    List<byte[]> once = records(Load.typical(500));
    List<byte[]> again = records(Load.typical(500));
    for (int i = 0; i < once.size(); i++) {
      assertThat(Arrays.equals(once.get(i), again.get(i))).isTrue();
    }
  }

  @Test
  void spanIdsAreReversible() {
    for (long number : new long[] {0, 1, 24, 25, 1_000_003, 1L << 40}) {
      assertThat(SpanIds.numberOf(SpanIds.idOf(number))).isEqualTo(number);
    }
  }

  private static List<byte[]> records(Load load) {
    SpanStream stream = new SpanStream(load, START);
    List<byte[]> records = new ArrayList<>();
    while (stream.hasNext()) {
      records.add(stream.next());
    }
    return records;
  }
}
