package io.spanfold.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.model.PartCandidate;
import io.spanfold.model.Span;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FullPartsTest {

  private static final int ORPHANS = 50;

  @Test
  void partsThatMergeWithinOneBundleDoNotGrowBeyondTheirBound() {
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
    for (PartCandidate part : fold.parts) {
      assertThat(part.segmentId()).isEqualTo(1);
      // The last bundle, which is one subsegment, and the part that it closes.
      assertThat(fold.spansOf(part)).hasSizeLessThan(ORPHANS + 20);
      spans += fold.spansOf(part).size();
    }
    assertThat(spans).isEqualTo((ORPHANS - 2) * 9 + 1);
    assertThat(fold.allDeletable()).isTrue();
  }
}
