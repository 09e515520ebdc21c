package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EarlySpansTest {

  @Test
  void spansOfOneRecordKeepTheOrderOfTheirIndexes() {
    EarlySpans some = early(new long[] {100, 100}, new int[] {0, 2}, 2, 4);
    EarlySpans others = early(new long[] {99, 100}, new int[] {7, 1}, 1, 3);

    StoredTrace trace = EarlySpans.inOrder(new TraceKey(1, 2, 3), List.of(some, others));

    assertThat(IntStream.range(0, 4).mapToObj(row -> trace.spans().spanId(row)))
        .containsExactly(1L, 2L, 3L, 4L);
  }

  private static EarlySpans early(long[] offsets, int[] indexes, long... spanIds) {
    SpanColumns columns = new SpanColumns(spanIds.length);
    for (int i = 0; i < spanIds.length; i++) {
      columns.add(spanIds[i], 9, false, 1_000, 10, 0, i);
    }
    SourcePositions positions = SourcePositions.of(new int[offsets.length], offsets, indexes);
    return new EarlySpans(
        new Subsegment(spanIds[0], 9, false, spanIds.length, 20, 20, 1, 1, positions), columns);
  }
}
