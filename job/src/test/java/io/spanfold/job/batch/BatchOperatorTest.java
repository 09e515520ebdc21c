package io.spanfold.job.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.batch.BatchLimits;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchOperatorTest {

  private static final TraceKey ONE = new TraceKey(1, 0, 1);
  private static final TraceKey OTHER = new TraceKey(1, 0, 2);

  private OneInputStreamOperatorTestHarness<Span, SpanBatch> harness;

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  @Test
  void aBatchIsEmittedAtItsMaximumNumberOfSpans() throws Exception {
    open(new BatchLimits(2, 1_000_000, 500));
    add(Spans.root(ONE, 1, 0, 0));
    assertThat(batches()).isEmpty();
    add(Spans.root(OTHER, 2, 0, 1));
    assertThat(batches()).hasSize(1);
    assertThat(batches().get(0).traces())
        .extracting(SpanBatch.TraceSpans::trace)
        .containsExactly(ONE, OTHER);
  }

  @Test
  void aBatchIsEmittedBeforeASpanThatWouldExceedItsLength() throws Exception {
    Span span = Spans.root(ONE, 1, 0, 0);
    open(new BatchLimits(100, span.record().length, 500));
    add(span);
    assertThat(batches()).isEmpty();
    add(Spans.root(ONE, 2, 0, 1));
    assertThat(batches()).hasSize(1);
    assertThat(batches().get(0).traces().get(0).spans().size()).isEqualTo(1);
  }

  @Test
  void aBatchIsEmittedAfterItsDelay() throws Exception {
    open(new BatchLimits(100, 1_000_000, 500));
    harness.setProcessingTime(1_000);
    add(Spans.root(ONE, 1, 0, 0));
    harness.setProcessingTime(1_499);
    assertThat(batches()).isEmpty();
    harness.setProcessingTime(1_500);
    assertThat(batches()).hasSize(1);
  }

  @Test
  void theDelayStartsWithTheFirstSpanOfEachBatch() throws Exception {
    open(new BatchLimits(2, 1_000_000, 500));
    harness.setProcessingTime(1_000);
    add(Spans.root(ONE, 1, 0, 0));
    add(Spans.root(ONE, 2, 0, 1));
    harness.setProcessingTime(1_400);
    add(Spans.root(ONE, 3, 0, 2));
    harness.setProcessingTime(1_500);
    assertThat(batches()).hasSize(1);
    harness.setProcessingTime(1_900);
    assertThat(batches()).hasSize(2);
  }

  @Test
  void theOpenBatchIsEmittedBeforeABarrier() throws Exception {
    open(new BatchLimits(100, 1_000_000, 500));
    add(Spans.root(ONE, 1, 0, 0));
    harness.prepareSnapshotPreBarrier(1);
    assertThat(batches()).hasSize(1);
    assertThat(harness.snapshot(1, 1).getManagedOperatorState()).isEmpty();
  }

  @Test
  void theOpenBatchIsEmittedAtTheEndOfInput() throws Exception {
    open(new BatchLimits(100, 1_000_000, 500));
    add(Spans.root(ONE, 1, 0, 0));
    harness.getOneInputOperator().finish();
    assertThat(batches()).hasSize(1);
  }

  @Test
  void aWatermarkDoesNotOvertakeTheSpansBeforeIt() throws Exception {
    open(new BatchLimits(2, 1_000_000, 500));
    add(Spans.root(ONE, 1, 0, 0));
    harness.processWatermark(new Watermark(5));
    harness.processWatermark(new Watermark(7));
    assertThat(harness.getOutput()).isEmpty();
    add(Spans.root(ONE, 2, 10, 1));
    assertThat(harness.getOutput()).hasSize(2);
    assertThat(harness.getOutput().toArray()[1]).isEqualTo(new Watermark(7));
  }

  @Test
  void aWatermarkPassesWhileNoBatchIsOpen() throws Exception {
    open(new BatchLimits(2, 1_000_000, 500));
    harness.processWatermark(new Watermark(5));
    assertThat(harness.getOutput()).containsExactly(new Watermark(5));
  }

  @Test
  void theLastWatermarkEmitsTheOpenBatch() throws Exception {
    open(new BatchLimits(100, 1_000_000, 500));
    add(Spans.root(ONE, 1, 0, 0));
    harness.processWatermark(Watermark.MAX_WATERMARK);
    assertThat(batches()).hasSize(1);
    assertThat(harness.getOutput().toArray()[1]).isEqualTo(Watermark.MAX_WATERMARK);
  }

  private void open(BatchLimits limits) throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new BatchOperator(limits, new SubsegmentGrouping(10_000, 1_000_000, 2)));
    harness.open();
  }

  private void add(Span span) throws Exception {
    harness.processElement(new StreamRecord<>(span));
  }

  private List<SpanBatch> batches() {
    List<SpanBatch> batches = new ArrayList<>();
    for (Object out : harness.getOutput()) {
      if (out instanceof StreamRecord<?> record) {
        batches.add((SpanBatch) record.getValue());
      }
    }
    return batches;
  }
}
