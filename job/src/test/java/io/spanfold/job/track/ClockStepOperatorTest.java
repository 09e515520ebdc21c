package io.spanfold.job.track;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Spans;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** A step of the clock that makes many parts due; a slice is one timer. */
class ClockStepOperatorTest {

  private static final int TRACES = 20;
  private static final Watermark STEP = new Watermark(1_000_000);

  @Test
  void theWatermarkIsForwardedAfterTheLastSlice() throws Exception {
    try (var harness = withOpenTraces()) {
      harness.processWatermark(STEP);
      assertThat(segments(harness)).hasSize(1);
      inputHasItsTurn(harness, 1);
      assertThat(segments(harness)).hasSize(2);
      assertThat(harness.getOutput()).doesNotContain(STEP);

      serveAll(harness);

      assertThat(segments(harness)).hasSize(TRACES).doesNotHaveDuplicates();
      assertThat(harness.getOutput()).last().isEqualTo(STEP);
      assertThat(((TrackOperator) harness.getOneInputOperator()).isIdle()).isTrue();
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }

  @Test
  void aWatermarkThatComesBetweenTwoSlicesIsServedWithTheFirst() throws Exception {
    try (var harness = withOpenTraces()) {
      Watermark later = new Watermark(STEP.getTimestamp() + 1);
      harness.processWatermark(STEP);
      harness.processWatermark(later);
      assertThat(segments(harness)).as("slices are not doubled").hasSize(1);

      serveAll(harness);

      assertThat(segments(harness)).hasSize(TRACES).doesNotHaveDuplicates();
      assertThat(harness.getOutput()).doesNotContain(STEP).contains(later);
    }
  }

  /** In time: no timer beyond the first part's was served when it came. */
  @Test
  void anElementBetweenTwoSlicesComesAtTheTimeOfTheTimers() throws Exception {
    try (var harness = withOpenTraces()) {
      harness.processWatermark(STEP);
      TraceKey last = trace(TRACES - 1);
      harness.processElement(
          new StreamRecord<>(
              TrackOperatorTest.stored(last, List.of(Spans.child(last, 2, 1, 5_000, 99)))));

      serveAll(harness);

      assertThat(TrackOperatorTest.parts(harness))
          .filteredOn(part -> part.trace().equals(last))
          .singleElement()
          .satisfies(part -> assertThat(part.spanCount()).isEqualTo(2));
    }
  }

  @Test
  void aSnapshotBetweenTwoSlicesHasTheRest() throws Exception {
    OperatorSubtaskState snapshot;
    Set<Long> before;
    try (var harness = withOpenTraces()) {
      harness.processWatermark(STEP);
      inputHasItsTurn(harness, 5);
      snapshot = harness.snapshot(1, 1);
      before = new HashSet<>(segments(harness));
    }
    assertThat(before).hasSizeBetween(2, TRACES - 2);
    try (var harness = harness()) {
      harness.initializeState(snapshot);
      harness.open();
      harness.processWatermark(STEP);
      serveAll(harness);
      List<Long> after = segments(harness);
      assertThat(after).doesNotHaveDuplicates().doesNotContainAnyElementsOf(before);
      assertThat(after.size() + before.size()).isEqualTo(TRACES);
    }
  }

  @Test
  void theEndOfTheInputServesTheRest() throws Exception {
    try (var harness = withOpenTraces()) {
      harness.processWatermark(Watermark.MAX_WATERMARK);
      assertThat(segments(harness)).hasSize(1);

      harness.getOneInputOperator().finish();

      assertThat(segments(harness)).hasSize(TRACES);
      assertThat(TrackOperatorTest.parts(harness))
          .extracting(DuePart::reason)
          .containsOnly(FlushReason.END);
      assertThat(harness.getOutput()).last().isEqualTo(Watermark.MAX_WATERMARK);
    }
  }

  private static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>
      harness() throws Exception {
    return TrackOperatorTest.harness(
        new HashMapStateBackend(), 1, 0, TraceStore.Limits.DEFAULT, Duration.ZERO);
  }

  /** Each trace is due and forgotten later than the one before. */
  private static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>
      withOpenTraces() throws Exception {
    var harness = harness();
    harness.open();
    for (int i = 0; i < TRACES; i++) {
      harness.processElement(new StreamRecord<>(open(i)));
    }
    return harness;
  }

  private static StoredTrace open(int number) {
    TraceKey trace = trace(number);
    return TrackOperatorTest.stored(
        trace, List.of(Spans.root(trace, 1, 1_000 + 100L * number, number)));
  }

  private static TraceKey trace(int number) {
    return new TraceKey(1, 2, number);
  }

  private static void inputHasItsTurn(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness,
      int times)
      throws Exception {
    for (int i = 0; i < times; i++) {
      harness.setProcessingTime(harness.getProcessingTime() + 1_000);
    }
  }

  private static void serveAll(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness)
      throws Exception {
    // A trace has two timers: one flushes its part, one forgets its segment.
    inputHasItsTurn(harness, 2 * TRACES);
  }

  /** The parts' traces; each has one segment. */
  private static List<Long> segments(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness) {
    return TrackOperatorTest.parts(harness).stream().map(part -> part.trace().traceLow()).toList();
  }
}
