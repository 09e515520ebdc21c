package io.spanfold.job.adopt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdoptedSpansTest {

  private static final TraceKey TRACE = new TraceKey(42, 1, 2);
  private static final OrphanedTrace ABANDONED = new OrphanedTrace(TRACE, "0.0", 0);
  private static final long SEGMENT = 1;
  private static final long NOW = 5_000;

  private final AdoptedSpans spans = new AdoptedSpans(7);

  @Test
  void areChildrenOfTheirSegment() throws Exception {
    byte[] frames =
        SpanFrames.encode(
            List.of(
                parsed(Spans.root(TRACE, 1, 1_000, 0)),
                parsed(Spans.child(TRACE, 2, 1, 1_000, 1)),
                // The spans between it and its segment were flushed long ago.
                parsed(Spans.child(TRACE, 3, 77, 1_000, 2))));

    List<Span> adopted = spans.of(ABANDONED, SEGMENT, 9, frames, NOW);

    assertThat(adopted).extracting(Span::spanId).containsExactly(1L, 2L, 3L);
    assertThat(adopted).extracting(Span::parentId).containsOnly(1L);
    assertThat(adopted).extracting(Span::root).containsExactly(true, false, false);
    assertThat(adopted).extracting(Span::timestamp).containsOnly(NOW);
    assertThat(adopted).extracting(Span::partition).containsOnly(SourcePosition.NOWHERE);
    assertThat(adopted)
        .extracting(span -> new String(span.record(), UTF_8))
        .containsExactly(
            SpanRecords.json(Spans.root(TRACE, 1, 1_000, 0)),
            SpanRecords.json(Spans.child(TRACE, 2, 1, 1_000, 1)),
            SpanRecords.json(Spans.child(TRACE, 3, 77, 1_000, 2)));
  }

  @Test
  void aRootStaysARootInAnotherSegment() throws Exception {
    byte[] frames = SpanFrames.encode(List.of(parsed(Spans.root(TRACE, 4, 1_000, 0))));
    assertThat(spans.of(ABANDONED, SEGMENT, 9, frames, NOW))
        .extracting(Span::parentId)
        .containsExactly(4L);
  }

  @Test
  void havePositionsThatAreUniqueAcrossAttempts() throws Exception {
    byte[] frames =
        SpanFrames.encode(
            List.of(
                parsed(Spans.child(TRACE, 2, 1, 1_000, 1)),
                parsed(Spans.child(TRACE, 3, 1, 1_000, 2))));
    OrphanedTrace later = new OrphanedTrace(TRACE, "0.0", 1);
    List<SourcePosition> positions = new ArrayList<>();
    for (long subsegment : new long[] {-9, -1, 0, 1, 1_000, Long.MIN_VALUE, Long.MAX_VALUE}) {
      positions.addAll(positions(spans, ABANDONED, subsegment, frames));
      positions.addAll(positions(spans, later, subsegment, frames));
      positions.addAll(positions(new AdoptedSpans(8), ABANDONED, subsegment, frames));
    }
    assertThat(positions)
        .hasSize(42)
        .doesNotHaveDuplicates()
        .allMatch(position -> position.offset() >= 0);
  }

  private static List<SourcePosition> positions(
      AdoptedSpans spans, OrphanedTrace trace, long subsegment, byte[] frames) {
    return spans.of(trace, SEGMENT, subsegment, frames, NOW).stream().map(Span::position).toList();
  }

  private static Span parsed(Span span) throws RejectedRecordException {
    return new SpanParser(10_000).parse(SpanRecords.json(span).getBytes(UTF_8), 0, 0, 0);
  }
}
