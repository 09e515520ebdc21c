package io.spanfold.job.track;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.track.TraceStore.Limits;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.Spans;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrackOperatorTest {

  static final int MAX_PARALLELISM = 16;

  static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  /** No server listens there, so it is never full. */
  static final RedisGateSettings NO_REDIS =
      RedisGateSettings.of(ConnectionSettings.of(List.of(URI.create("redis://127.0.0.1:1"))), 0.8);

  private static final TraceKey TRACE = new TraceKey(1, 2, 3);

  @Test
  void aPartIsDueWhenItsRootsTimeoutHasPassed() throws Exception {
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.open();
      harness.processElement(
          new StreamRecord<>(stored(TRACE, List.of(Spans.root(TRACE, 1, 1_000, 0)))));
      harness.processWatermark(new Watermark(10_999));
      assertThat(parts(harness)).isEmpty();
      harness.processWatermark(new Watermark(11_000));
      assertThat(parts(harness)).extracting(DuePart::reason).containsExactly(FlushReason.IDLE);
    }
  }

  @Test
  void partsThatTheEndOfInputFlushesSaySo() throws Exception {
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.open();
      harness.processElement(
          new StreamRecord<>(stored(TRACE, List.of(Spans.root(TRACE, 1, 1_000, 0)))));
      harness.processWatermark(Watermark.MAX_WATERMARK);
      assertThat(parts(harness)).extracting(DuePart::reason).containsExactly(FlushReason.END);
    }
  }

  @Test
  void aStoredSubsegmentOfDuplicatesIsDiscarded() throws Exception {
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.open();
      StoredTrace first = stored(TRACE, List.of(Spans.root(TRACE, 1, 1_000, 0)));
      StoredTrace again = stored(TRACE, List.of(Spans.root(TRACE, 1, 1_000, 1)));
      harness.processElement(new StreamRecord<>(first));
      harness.processElement(new StreamRecord<>(again));
      assertThat(harness.extractOutputValues())
          .singleElement()
          .isInstanceOfSatisfying(
              Discard.class,
              discard -> assertThat(ids(discard.obsolete())).isEqualTo(ids(again.subsegments())));
      harness.processWatermark(new Watermark(11_000));
      assertThat(parts(harness))
          .singleElement()
          .satisfies(part -> assertThat(ids(part.obsolete())).isEqualTo(ids(first.subsegments())));
    }
  }

  /** Elements of the checkpoint, which are late, come before the first watermark. */
  @Test
  void spansThatAreLateAfterARestoreAreRecognized() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.open();
      harness.processWatermark(new Watermark(1_000_000));
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.initializeState(snapshot);
      harness.open();
      harness.processElement(
          new StreamRecord<>(stored(TRACE, List.of(Spans.child(TRACE, 3, 2, 1_000, 0)))));
      harness.processWatermark(new Watermark(1_000_100));
      harness.processElement(
          new StreamRecord<>(
              stored(
                  TRACE,
                  List.of(
                      Spans.child(TRACE, 2, 1, 1_000_200, 1),
                      Spans.root(TRACE, 1, 1_000_200, 2)))));
      harness.processWatermark(new Watermark(1_100_000));
      assertThat(parts(harness)).extracting(DuePart::segmentId).containsExactly(1L);
    }
  }

  /**
   * As during an adoption: an adopted span, which is as new as the job, comes before its record.
   */
  @Test
  void noSpanWaitsAfterARestoreOfAJobWithoutATime() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.open();
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.initializeState(snapshot);
      harness.open();
      Span record = Spans.root(TRACE, 1, 1_000, 0);
      Span adopted = RandomTraces.at(record, 1_000_000, SourcePosition.NOWHERE, 0);
      harness.processElement(new StreamRecord<>(stored(TRACE, List.of(adopted))));
      harness.processElement(new StreamRecord<>(stored(TRACE, List.of(record))));
      harness.processWatermark(new Watermark(2_000));
      harness.processWatermark(Watermark.MAX_WATERMARK);
      assertThat(parts(harness)).hasSize(1);
    }
  }

  @Test
  void spansWaitForABoundedTimeAfterARestoreIfNoWatermarkComes() throws Exception {
    List<Span> spans = List.of(Spans.root(TRACE, 1, 1_000, 0), Spans.child(TRACE, 2, 1, 1_000, 1));
    long bytes = spans.get(0).record().length;
    FoldSettings smallParts = new FoldSettings(60_000, 10_000, 100_000, 30_000, bytes);
    OperatorSubtaskState snapshot;
    try (var harness = harness(operator(smallParts), new HashMapStateBackend(), 1, 0)) {
      harness.open();
      harness.processWatermark(new Watermark(1_000));
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness(operator(smallParts), new HashMapStateBackend(), 1, 0)) {
      harness.initializeState(snapshot);
      harness.open();
      harness.processElement(new StreamRecord<>(stored(TRACE, spans)));
      harness.setProcessingTime(TrackOperator.RESUME_MILLIS - 1);
      assertThat(parts(harness)).isEmpty();
      harness.setProcessingTime(TrackOperator.RESUME_MILLIS);
      assertThat(parts(harness)).extracting(DuePart::reason).contains(FlushReason.FULL);
    }
  }

  private static TrackOperator operator(FoldSettings settings) {
    return new TrackOperator(settings, NO_REDIS, Limits.DEFAULT, Duration.ofDays(1));
  }

  /** One that had more to serve may be behind. */
  @Test
  void aSubtaskHasTheClockOfItsKeyGroupsAfterARestore() throws Exception {
    List<OperatorSubtaskState> snapshots = new ArrayList<>();
    for (int subtask = 0; subtask < 2; subtask++) {
      try (var harness = harness(new HashMapStateBackend(), 2, subtask)) {
        harness.open();
        harness.processWatermark(new Watermark(1_000L * (subtask + 1)));
        snapshots.add(harness.snapshot(1, 1));
      }
    }
    OperatorSubtaskState all =
        AbstractStreamOperatorTestHarness.repackageState(
            snapshots.toArray(OperatorSubtaskState[]::new));
    assertThat(clocks(all, 2)).containsExactly(1_000L, 2_000L);
    assertThat(clocks(all, 1)).containsExactly(1_000L);
    assertThat(clocks(all, 4)).containsExactly(1_000L, 1_000L, 2_000L, 2_000L);
  }

  private static List<Long> clocks(OperatorSubtaskState all, int parallelism) throws Exception {
    List<Long> clocks = new ArrayList<>();
    for (int subtask = 0; subtask < parallelism; subtask++) {
      try (var harness = harness(new HashMapStateBackend(), parallelism, subtask)) {
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                all, MAX_PARALLELISM, 2, parallelism, subtask));
        harness.open();
        clocks.add(((TrackOperator) harness.getOneInputOperator()).clock());
      }
    }
    return clocks;
  }

  @Test
  void aDrainedSavepointKeepsTheClockBeforeTheEnd() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.open();
      harness.processElement(
          new StreamRecord<>(stored(TRACE, List.of(Spans.root(TRACE, 1, 1_000, 0)))));
      harness.processWatermark(new Watermark(2_000));
      harness.processWatermark(Watermark.MAX_WATERMARK);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness(new HashMapStateBackend(), 1, 0)) {
      harness.initializeState(snapshot);
      harness.open();
      harness.processElement(
          new StreamRecord<>(stored(TRACE, List.of(Spans.root(TRACE, 2, 3_000, 1)))));
      harness.processWatermark(new Watermark(13_000));
      assertThat(parts(harness)).extracting(DuePart::dueAt).containsExactly(13_000L);
    }
  }

  private static List<Long> ids(List<Subsegment> subsegments) {
    return subsegments.stream().map(Subsegment::id).toList();
  }

  @ParameterizedTest
  @CsvSource({"8192, 1000000", "8192, 0", "150, 1000000", "150, 0", "0, 0"})
  void nothingIsKeptOfAnEndedTrace(int packedBytes, long heapBytes) throws Exception {
    Limits limits = new Limits(packedBytes, 300, heapBytes, 0);
    try (var harness = harness(new HashMapStateBackend(), 1, 0, limits)) {
      harness.open();
      harness.processElement(
          new StreamRecord<>(
              stored(
                  TRACE,
                  List.of(Spans.child(TRACE, 2, 1, 1_000, 0), Spans.root(TRACE, 1, 2_000, 1)))));
      harness.processWatermark(new Watermark(200_000));
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(((TrackOperator) harness.getOneInputOperator()).isIdle()).isTrue();
    }
  }

  static StoredTrace stored(TraceKey trace, List<Span> spans) {
    TraceSpans grouped = new SubsegmentGrouping(10_000, Long.MAX_VALUE, 2).group(trace, spans);
    return new StoredTrace(
        trace,
        grouped.spans(),
        grouped.subsegments().stream()
            .map(unstored -> unstored.subsegment().stored(1, 1, null))
            .toList());
  }

  private static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>
      harness(StateBackend backend, int parallelism, int subtask) throws Exception {
    return harness(backend, parallelism, subtask, Limits.DEFAULT);
  }

  private static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>
      harness(StateBackend backend, int parallelism, int subtask, Limits limits) throws Exception {
    // Longer than any pause of a test, in which time must not decide.
    return harness(backend, parallelism, subtask, limits, Duration.ofDays(1));
  }

  static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness(
      StateBackend backend, int parallelism, int subtask, Limits limits, Duration slice)
      throws Exception {
    return harness(
        new TrackOperator(SETTINGS, NO_REDIS, limits, slice), backend, parallelism, subtask);
  }

  static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness(
      TrackOperator operator, StateBackend backend, int parallelism, int subtask) throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>(
            operator,
            StoredTrace::trace,
            StateType.TRACE_KEY,
            MAX_PARALLELISM,
            parallelism,
            subtask);
    harness.setStateBackend(backend);
    // Otherwise the harness takes the class of the first element for that of all.
    harness.setup(StateType.FLUSH_REQUEST.serializer());
    return harness;
  }

  static List<DuePart> parts(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness) {
    return harness.extractOutputValues().stream()
        .filter(DuePart.class::isInstance)
        .map(DuePart.class::cast)
        .toList();
  }
}
