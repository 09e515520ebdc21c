package io.spanfold.local.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Compares the load <em>services</em> with what was recorded in seven real systems: 2,852 segments
 * and their traces.
 */
class ServiceTracesTest {

  private static final int TRACES = 40_000;
  private static final int SPANS = 200_000;
  private static final long START = 1_700_000_000_000L;

  /** Spans of each segment, and of each trace. */
  private static final List<Integer> SEGMENT_SIZES = new ArrayList<>();

  private static final int[] TRACE_SIZES = new int[TRACES];
  private static final int[] SERVICES = new int[TRACES];

  @BeforeAll
  static void draw() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < TRACES; i++) {
      TraceTree tree = ServiceTraces.draw(random);
      TRACE_SIZES[i] = tree.size();
      SERVICES[i] = (int) Arrays.stream(tree.services()).distinct().count();
      for (int root = 0; root < tree.size(); ) {
        int next = tree.roots().nextSetBit(root + 1);
        int until = next < 0 ? tree.size() : next;
        SEGMENT_SIZES.add(until - root);
        root = until;
      }
    }
    Arrays.sort(TRACE_SIZES);
    Arrays.sort(SERVICES);
  }

  @Test
  void segmentsHaveTheRecordedSizes() {
    assertThat(SEGMENT_SIZES.stream().mapToInt(Integer::intValue).average().orElseThrow())
        .isCloseTo(3.9, within(0.1));
    int[] percent = {18, 16, 24, 14, 14, 4};
    for (int i = 0; i < percent.length; i++) {
      assertThat(percentOfSegments(i + 1, i + 1)).isCloseTo(percent[i], within(0.5));
    }
    assertThat(percentOfSegments(7, 15)).isCloseTo(9, within(0.5));
    assertThat(percentOfSegments(16, 69)).isCloseTo(1, within(0.2));
    assertThat(percentOfSegments(1, 69)).isEqualTo(100);
  }

  private static double percentOfSegments(int from, int to) {
    long count = SEGMENT_SIZES.stream().filter(size -> size >= from && size <= to).count();
    return 100.0 * count / SEGMENT_SIZES.size();
  }

  @Test
  void tracesHaveTheRecordedSizes() {
    assertThat(Arrays.stream(TRACE_SIZES).average().orElseThrow()).isCloseTo(28, within(1.0));
    assertThat(quantile(TRACE_SIZES, 0.25)).isCloseTo(5, within(1));
    assertThat(quantile(TRACE_SIZES, 0.5)).isCloseTo(13, within(1));
    assertThat(quantile(TRACE_SIZES, 0.75)).isCloseTo(42, within(3));
    assertThat(quantile(TRACE_SIZES, 0.9)).isCloseTo(62, within(4));
    assertThat(quantile(TRACE_SIZES, 0.99)).isCloseTo(189, within(10));
  }

  @Test
  void tracesHaveTheRecordedSegmentsAndServices() {
    assertThat((double) SEGMENT_SIZES.size() / TRACES).isCloseTo(7.3, within(0.2));
    assertThat(Arrays.stream(SERVICES).average().orElseThrow()).isCloseTo(4.6, within(0.2));
    assertThat(quantile(SERVICES, 0.9)).isCloseTo(10, within(1));
  }

  private static int quantile(int[] sorted, double share) {
    return sorted[(int) (share * sorted.length)];
  }

  @Test
  void recordsHaveTheRecordedLengths() {
    int[] lengths = new int[SPANS];
    SpanStream stream = new SpanStream(Load.services(SPANS), START);
    for (int i = 0; i < SPANS; i++) {
      lengths[i] = stream.next().length;
    }
    Arrays.sort(lengths);

    assertThat(Arrays.stream(lengths).average().orElseThrow()).isCloseTo(741, within(15.0));
    assertThat(quantile(lengths, 0.5)).isCloseTo(590, within(20));
    assertThat(quantile(lengths, 0.9)).isCloseTo(1_250, within(50));
    assertThat(quantile(lengths, 0.99)).isCloseTo(1_900, within(80));
  }

  /** Of the traces that begin and end within the stream. */
  @Test
  void aTraceLastsSecondsOfRecordTimeAndItsChildrenComeFirst() throws IOException {
    Map<String, Trace> traces = new HashMap<>();
    SpanStream stream = new SpanStream(Load.services(SPANS), START);
    while (stream.hasNext()) {
      JsonNode span = new ObjectMapper().readTree(stream.next());
      traces
          .computeIfAbsent(span.path("trace_id").asText(), id -> new Trace(stream.timestamp()))
          .add(span, stream.timestamp());
    }
    int[] millis =
        traces.values().stream()
            .filter(trace -> trace.begun > START + 5_000 && trace.hasTopmost && trace.spans > 1)
            .mapToInt(trace -> (int) (trace.ended - trace.begun))
            .sorted()
            .toArray();
    assertThat(quantile(millis, 0.5)).isBetween(1_500, 3_500);

    long first = traces.values().stream().mapToLong(trace -> trace.childrenFirst).sum();
    long all = traces.values().stream().mapToLong(trace -> trace.children).sum();
    assertThat(first / (double) all).isBetween(0.6, 0.95);
  }

  @Test
  void aSegmentIsATreeOfOneProject() throws IOException {
    Map<String, String> projects = new HashMap<>();
    List<JsonNode> spans = new ArrayList<>();
    SpanStream stream = new SpanStream(Load.services(20_000), START);
    while (stream.hasNext()) {
      JsonNode span = new ObjectMapper().readTree(stream.next());
      spans.add(span);
      projects.put(span.path("span_id").asText(), span.path("project_id").asText());
    }
    int crossing = 0;
    for (JsonNode span : spans) {
      String parent = projects.get(span.path("parent_span_id").asText());
      if (parent != null && !span.path("is_segment").asBoolean()) {
        assertThat(parent).isEqualTo(span.path("project_id").asText());
      } else if (parent != null && !parent.equals(span.path("project_id").asText())) {
        crossing++;
      }
      if (span.path("parent_span_id").isNull()) {
        assertThat(span.path("is_segment").asBoolean()).isTrue();
      }
    }
    assertThat(crossing).isGreaterThan(1_000);
  }

  private static final class Trace {
    final long begun;
    final Set<String> seen = new HashSet<>();
    long ended;
    int spans;
    int children;
    int childrenFirst;
    boolean hasTopmost;

    Trace(long begun) {
      this.begun = begun;
    }

    void add(JsonNode span, long timestamp) {
      ended = timestamp;
      spans++;
      seen.add(span.path("span_id").asText());
      if (span.path("parent_span_id").isNull()) {
        hasTopmost = true;
      } else {
        children++;
        childrenFirst += seen.contains(span.path("parent_span_id").asText()) ? 0 : 1;
      }
    }
  }
}
