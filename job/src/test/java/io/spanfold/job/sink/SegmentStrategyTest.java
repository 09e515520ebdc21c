package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.sink.RecoveryStrategy.Layout;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class SegmentStrategyTest {

  private final CountingMetrics metrics = new CountingMetrics();

  private final Layout<FlushedPart, Receipt> layout =
      new SegmentStrategy(new SegmentRecords("segments", "outcomes"), 1 << 20, null, null, null)
          .layout(metrics);

  @Test
  void countsASegmentWithItsFirstPart() {
    layout.item(part(0, 2, List.of(), 1, 2, 3), 0);
    layout.item(part(1, 1, List.of(), 4), 1);
    assertThat(metrics.count("segmentsOut")).isEqualTo(1);
    assertThat(metrics.count("partsOut")).isEqualTo(2);
    assertThat(metrics.count("messagesOut")).isEqualTo(3);
    assertThat(metrics.count("spansOut")).isEqualTo(4);
  }

  @Test
  void countsLostSpansAsOutcomesAndNotAsEmitted() {
    layout.item(part(0, 1, List.of(new Outcome(0, 1, 2, Outcome.Reason.PAYLOAD_LOST, 5)), 1, 2), 0);
    assertThat(metrics.count("spansOut")).isEqualTo(2);
    assertThat(metrics.count("outcomeSpansOut")).isEqualTo(5);
  }

  @Test
  void doesNotCountAPartThatOnlyDeletesDuplicates() {
    layout.item(part(0, 0, List.of()), 0);
    assertThat(metrics.count("segmentsOut")).isZero();
    assertThat(metrics.count("partsOut")).isZero();
  }

  private static FlushedPart part(
      int number, int messages, List<Outcome> outcomes, long... spanIds) {
    SegmentMessage message = new SegmentMessage("00", new byte[0], 0, messages);
    Receipt receipt =
        new Receipt(
            new DuePart(new TraceKey(2, 0, 0), 1, number, FlushReason.IDLE, 0, false, List.of()),
            1 << 20,
            List.of(),
            spanIds);
    return new FlushedPart(Collections.nCopies(messages, message), outcomes, receipt);
  }
}
