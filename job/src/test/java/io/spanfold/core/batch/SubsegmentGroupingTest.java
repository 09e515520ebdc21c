package io.spanfold.core.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SubsegmentGroupingTest {

  private static final TraceKey TRACE = new TraceKey(7, 8, 9);

  private final SubsegmentGrouping grouping = new SubsegmentGrouping(10_000, 1_000_000, 2);

  @Test
  void connectedSpansFormOneSubsegmentNamedByTheMissingParent() {
    TraceSpans grouped =
        group(
            Spans.child(TRACE, 3, 2, 0, 0),
            Spans.child(TRACE, 1, 9, 0, 1),
            Spans.child(TRACE, 2, 1, 0, 2));
    assertThat(grouped.subsegments()).hasSize(1);
    assertThat(grouped.subsegments().get(0).subsegment().parentId()).isEqualTo(9);
    assertThat(grouped.subsegments().get(0).subsegment().root()).isFalse();
    assertThat(grouped.subsegments().get(0).spanIds()).containsExactly(3, 1, 2);
  }

  @Test
  void aRootNamesItsSubsegment() {
    TraceSpans grouped = group(Spans.child(TRACE, 3, 2, 0, 0), Spans.root(TRACE, 2, 0, 1));
    assertThat(grouped.subsegments()).hasSize(1);
    assertThat(grouped.subsegments().get(0).subsegment().parentId()).isEqualTo(2);
    assertThat(grouped.subsegments().get(0).subsegment().root()).isTrue();
  }

  @Test
  void aGroupIsDividedIfADeadlineMayBeInBetween() {
    TraceSpans grouped =
        group(
            Spans.child(TRACE, 3, 9, 0, 0),
            Spans.child(TRACE, 4, 9, 10_000, 1),
            Spans.child(TRACE, 5, 9, 20_001, 2));
    assertThat(grouped.subsegments())
        .extracting(s -> s.subsegment().spanCount())
        .containsExactly(2, 1);
  }

  @Test
  void aGroupIsDividedBeforeItExceedsItsLength() {
    Span one = Spans.child(TRACE, 3, 9, 0, 0);
    Span other = Spans.child(TRACE, 4, 9, 0, 1);
    TraceSpans grouped =
        new SubsegmentGrouping(10_000, one.record().length, 2).group(TRACE, List.of(one, other));
    assertThat(grouped.subsegments()).hasSize(2);
  }

  @Test
  void spansOfACycleStayTogether() {
    TraceSpans grouped =
        group(
            Spans.child(TRACE, 1, 2, 0, 0),
            Spans.child(TRACE, 2, 3, 0, 1),
            Spans.child(TRACE, 3, 1, 0, 2));
    assertThat(grouped.subsegments()).hasSize(1);
  }

  @Test
  void theIdDependsOnTheCompositionOnly() {
    Span a = Spans.child(TRACE, 1, 9, 0, 100);
    Span b = Spans.child(TRACE, 2, 9, 0, 101);
    assertThat(id(a, b)).isEqualTo(id(b, a)).isNotEqualTo(id(a)).isNotEqualTo(id(b));
    assertThat(id(a)).isNotEqualTo(id(b));
  }

  /** Payloads in Redis and state have these ids. */
  @Test
  void theIdIsAHashOfThePositionsThatStays() {
    Span a = Spans.child(TRACE, 1, 9, 0, 100);
    Span b = Spans.child(TRACE, 2, 9, 0, 101);
    assertThat(Hex.id(id(a, b))).isEqualTo("b8dcea49abc0e33d");
    assertThat(Hex.id(id(Spans.withIndex(a, 1), b))).isEqualTo("5c5caef37e6ad8ea");
  }

  @Test
  void spansOfARecordAreOrderedByTheirIndex() {
    Span first = Spans.child(TRACE, 1, 9, 0, 100);
    Span second = Spans.withIndex(Spans.child(TRACE, 2, 9, 0, 100), 1);
    Span third = Spans.withIndex(Spans.child(TRACE, 3, 9, 0, 100), 2);
    Span next = Spans.child(TRACE, 4, 9, 0, 101);
    UnstoredSubsegment grouped = group(third, next, first, second).subsegments().get(0);
    assertThat(grouped.spanIds()).containsExactly(1, 2, 3, 4);
    assertThat(grouped.subsegment().positions().all())
        .containsExactly(first.position(), second.position(), third.position(), next.position());
    assertThat(id(first)).isNotEqualTo(id(Spans.withIndex(first, 1)));
  }

  @Test
  void everySpanIsAtTheIndexOfItsRow() {
    for (long seed = 0; seed < 500; seed++) {
      List<Span> spans = RandomTraces.trace(TRACE, new Random(seed), Pace.WITH_SOME_GAPS, true);
      TraceSpans grouped = grouping.group(TRACE, spans);
      List<List<Long>> payloads = new ArrayList<>();
      for (UnstoredSubsegment subsegment : grouped.subsegments()) {
        List<Long> ids = new ArrayList<>();
        SpanFrames.forEach(grouped.frames(subsegment), (index, span) -> ids.add(span.spanId()));
        assertThat(ids).hasSize(subsegment.subsegment().spanCount());
        payloads.add(ids);
      }
      for (int row = 0; row < spans.size(); row++) {
        assertThat(payloads.get(grouped.spans().subsegment(row)).get(grouped.spans().index(row)))
            .as("seed %d row %d", seed, row)
            .isEqualTo(spans.get(row).spanId());
      }
    }
  }

  private TraceSpans group(Span... spans) {
    return grouping.group(TRACE, List.of(spans));
  }

  private long id(Span... spans) {
    return group(spans).subsegments().get(0).subsegment().id();
  }
}
