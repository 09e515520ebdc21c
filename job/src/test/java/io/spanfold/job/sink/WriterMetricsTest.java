package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.TraceKey;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class WriterMetricsTest {

  private final Map<String, Counter> counters = new HashMap<>();

  private final WriterMetrics metrics =
      new WriterMetrics(
          new UnregisteredMetricsGroup() {
            @Override
            public Counter counter(String name) {
              Counter counter = super.counter(name);
              counters.put(name, counter);
              return counter;
            }
          });

  @Test
  void aSegmentCountsWithItsFirstPart() {
    metrics.written(part(0, 2, List.of(), 1, 2, 3));
    metrics.written(part(1, 1, List.of(), 4));
    assertThat(count("segmentsOut")).isEqualTo(1);
    assertThat(count("partsOut")).isEqualTo(2);
    assertThat(count("messagesOut")).isEqualTo(3);
    assertThat(count("spansOut")).isEqualTo(4);
  }

  @Test
  void lostSpansCountBesideThoseThatAreOut() {
    metrics.written(
        part(0, 1, List.of(new Outcome(0, 1, 2, Outcome.Reason.PAYLOAD_LOST, 5)), 1, 2));
    assertThat(count("spansOut")).isEqualTo(2);
    assertThat(count("outcomeSpansOut")).isEqualTo(5);
  }

  @Test
  void aPartThatOnlyDeletesDuplicatesIsNone() {
    metrics.written(part(0, 0, List.of()));
    assertThat(count("segmentsOut")).isZero();
    assertThat(count("partsOut")).isZero();
  }

  private long count(String name) {
    return counters.get(name).getCount();
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
