package io.spanfold.local.chaos.load;

import static io.spanfold.local.chaos.load.LoadFixture.TIMES;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.spanfold.local.chaos.load.PlannedRecord.PlannedSpan;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TraceGeneratorTest {

  @Test
  void theSameSeedGivesTheSameRecords() {
    List<PlannedRecord> once = LoadFixture.records(7, 200);
    List<PlannedRecord> again = LoadFixture.records(7, 200);

    assertThat(again).usingRecursiveFieldByFieldElementComparator().isEqualTo(once);
    assertThat(LoadFixture.records(8, 200))
        .usingRecursiveFieldByFieldElementComparator()
        .isNotEqualTo(once);
  }

  @Test
  void thePlannedSegmentFollowsFromTheRecords() {
    Map<String, ObjectNode> all = new HashMap<>();
    List<PlannedRecord> spans = LoadFixture.spans(LoadFixture.records(1, 1_000));
    spans.forEach(r -> all.put(key(r.span()), LoadFixture.json(r)));

    for (PlannedRecord planned : spans) {
      assertThat(planned.span().segmentId())
          .as(planned.span().toString())
          .isEqualTo(segmentOf(planned.span(), all));
    }
  }

  @Test
  void onlyLeavesAreLate() {
    List<PlannedRecord> spans = LoadFixture.spans(LoadFixture.records(2, 1_000));
    Map<String, Long> begins = new HashMap<>();
    Set<String> parents = new HashSet<>();
    for (PlannedRecord planned : spans) {
      String trace = planned.span().trace().split(":")[1];
      begins.merge(trace, planned.dueMillis(), Math::min);
      parents.add(trace + LoadFixture.json(planned).path("parent_span_id").asText());
    }

    int late = 0;
    for (PlannedRecord planned : spans) {
      String trace = planned.span().trace().split(":")[1];
      long after = planned.dueMillis() - begins.get(trace);
      if (after >= TIMES.spread()) {
        late++;
        assertThat(parents).doesNotContain(trace + planned.span().spanId());
        assertThat(after).isLessThan(TIMES.spread() + TIMES.lateBefore() + TIMES.spread());
      }
    }
    assertThat(late).isPositive();
  }

  @Test
  void includesRepeatedAndBadRecordsAndLargeSegments() {
    List<PlannedRecord> records = LoadFixture.records(3, 1_000);

    assertThat(records.stream().filter(r -> r.span() == null).map(PlannedRecord::key))
        .doesNotHaveDuplicates()
        .hasSizeGreaterThan(50);
    assertThat(records.stream().filter(r -> r.span() != null && r.span().copy())).isNotEmpty();
    Map<String, Integer> bytes =
        LoadFixture.spans(records).stream()
            .collect(
                Collectors.groupingBy(
                    r -> r.span().trace(), Collectors.summingInt(r -> r.value().length)));
    assertThat(bytes.values()).anyMatch(size -> size > 100 << 10);
    assertThat(LoadFixture.spans(records))
        .allMatch(r -> r.value().length < LoadFixture.TOO_LARGE_BYTES / 2);
  }

  private static String key(PlannedSpan span) {
    return span.trace() + ":" + span.spanId();
  }

  /** Follows the parents in the records. */
  private static String segmentOf(PlannedSpan span, Map<String, ObjectNode> all) {
    String id = span.spanId();
    while (true) {
      JsonNode at = all.get(span.trace() + ":" + id);
      if (at == null || at.path("parent_span_id").isMissingNode()) {
        return id;
      }
      if (at.path("parent_span_id").isNull() || at.path("is_segment").asBoolean()) {
        return id;
      }
      id = at.path("parent_span_id").asText();
    }
  }
}
