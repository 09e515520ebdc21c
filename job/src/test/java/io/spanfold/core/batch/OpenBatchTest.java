package io.spanfold.core.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OpenBatchTest {

  private final SubsegmentGrouping grouping = new SubsegmentGrouping(10_000, 1_000_000, 2);

  @Test
  void aBatchHasEachTraceOnceWithItsSpansInTheOrderInWhichTheyCame() {
    OpenBatch open = new OpenBatch(new BatchLimits(10_000, Long.MAX_VALUE, 500), grouping);
    for (long seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      Map<TraceKey, List<Long>> expected = new LinkedHashMap<>();
      int count = random.nextInt(random.nextBoolean() ? 10 : 1_000);
      int traces = 1 + random.nextInt(random.nextBoolean() ? 5 : 500);
      for (int i = 0; i < count; i++) {
        Span span = Spans.child(trace(random, traces), i + 1, 1 + random.nextInt(count), 0, i);
        open.add(span);
        expected.computeIfAbsent(span.trace(), trace -> new ArrayList<>()).add(span.spanId());
      }
      assertThat(open.isEmpty()).isEqualTo(count == 0);

      assertThat(new ArrayList<>(spanIds(open.close()).entrySet()))
          .as("seed %d", seed)
          .isEqualTo(new ArrayList<>(expected.entrySet()));
      assertThat(open.isEmpty()).isTrue();
    }
  }

  @Test
  void aBatchIsBoundedByItsBytesUnlessItHasOneSpanOnly() {
    TraceKey trace = new TraceKey(1, 2, 3);
    Span span = Spans.child(trace, 1, 2, 0, 0);
    OpenBatch open = new OpenBatch(new BatchLimits(10, span.record().length * 2L, 500), grouping);
    for (int round = 0; round < 2; round++) {
      open.add(span);
      assertThat(open.hasRoomFor(span)).isTrue();
      open.add(span);
      assertThat(open.hasRoomFor(span)).isFalse();
      open.close();
      assertThat(open.hasRoomFor(span)).isTrue();
    }
    OpenBatch tiny = new OpenBatch(new BatchLimits(10, 1, 500), grouping);
    assertThat(tiny.hasRoomFor(span)).isTrue();
  }

  /** Traces differ in any of their three numbers. */
  private static TraceKey trace(Random random, int traces) {
    int number = random.nextInt(traces);
    return new TraceKey(number % 3, number % 7, (long) number << random.nextInt(2));
  }

  private static Map<TraceKey, List<Long>> spanIds(SpanBatch batch) {
    Map<TraceKey, List<Long>> spanIds = new LinkedHashMap<>();
    for (TraceSpans trace : batch.traces()) {
      List<Long> ids = new ArrayList<>();
      for (int row = 0; row < trace.spans().size(); row++) {
        ids.add(trace.spans().spanId(row));
      }
      assertThat(spanIds.put(trace.trace(), ids)).isNull();
    }
    return spanIds;
  }
}
