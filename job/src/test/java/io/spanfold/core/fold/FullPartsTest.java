package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.Span;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FullPartsTest {

  private static final int ORPHANS = 50;

  @Test
  void partsThatMergeWithinABatchStayWithinTheirBound() {
    int record = Spans.root(FoldHarness.TRACE, 1, 0, 0).record().length;
    long maxBytes = 10L * record;
    FoldHarness fold = new FoldHarness(new FoldSettings(60_000, 10_000, 100_000, 30_000, maxBytes));
    List<Span> upper = new ArrayList<>();
    upper.add(Spans.root(FoldHarness.TRACE, 1, 0, 0));
    long offset = 1;
    for (long parent = 2; parent < ORPHANS; parent++) {
      List<Span> orphans = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        orphans.add(Spans.child(FoldHarness.TRACE, 1_000 * parent + i, parent, 0, offset++));
      }
      fold.add(orphans);
      upper.add(Spans.child(FoldHarness.TRACE, parent, 1, 0, offset++));
    }
    fold.add(upper);
    fold.end();
    int spans = 0;
    for (DuePart part : fold.parts) {
      assertThat(part.segmentId()).isEqualTo(1);
      // The last batch, which is one subsegment, and the part that it closes.
      assertThat(fold.spansOf(part)).hasSizeLessThan(ORPHANS + 20);
      spans += fold.spansOf(part).size();
    }
    assertThat(spans).isEqualTo((ORPHANS - 2) * 9 + 1);
    assertThat(fold.allDeletable()).isTrue();
  }

  @Test
  void aSegmentWithTooManyIdsIsFlushedAndForgotten() {
    int maxIds = 100;
    FoldHarness fold =
        new FoldHarness(new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE, maxIds));
    Random random = new Random(1);
    fold.add(List.of(Spans.root(FoldHarness.TRACE, 1, 0, 0)));
    int spans = 3_000;
    List<Span> batch = new ArrayList<>();
    for (int span = 2; span <= spans; span++) {
      long parent = 1L + random.nextInt(span - 1);
      batch.add(Spans.child(FoldHarness.TRACE, span, parent, 0, span));
      if (random.nextInt(10) == 0 || span == spans) {
        Collections.shuffle(batch, random);
        fold.add(batch);
        batch = new ArrayList<>();
        assertThat(fold.state.largestSegment()).isLessThanOrEqualTo(maxIds);
      }
    }
    fold.end();
    List<Long> emitted =
        fold.parts.stream().flatMap(part -> fold.spansOf(part).stream()).map(Span::spanId).toList();
    assertThat(emitted).hasSize(spans).doesNotHaveDuplicates();
    assertThat(fold.parts.stream().filter(part -> part.reason() == FlushReason.FULL))
        .isNotEmpty()
        .allMatch(DuePart::skipEnrichment);
    assertThat(fold.allDeletable()).isTrue();
    assertThat(fold.state.isEmpty()).isTrue();
  }
}
