package io.spanfold.job.track;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.memory.RedisMemoryMonitorSettings;
import io.spanfold.job.serialization.StateType;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.NaiveFold.Flushed;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.Spans;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrackOperatorTest {

  static final int MAX_PARALLELISM = 16;

  /** No trace, some traces, and all traces are stored as one value. */
  private static final int[] PACKED_BYTES = {0, 400, TraceStore.MAX_PACKED_BYTES};

  static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  /** No server listens there, so it is never full. */
  static final RedisMemoryMonitorSettings NO_REDIS =
      RedisMemoryMonitorSettings.of(
          ConnectionSettings.of(List.of(URI.create("redis://127.0.0.1:1"))), 0.8);

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
  @ValueSource(ints = {TraceStore.MAX_PACKED_BYTES, 150, 0})
  void nothingIsKeptOfAnEndedTrace(int maxPackedBytes) throws Exception {
    try (var harness = harness(new HashMapStateBackend(), 1, 0, maxPackedBytes)) {
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

  /**
   * Random traces through snapshots and restores with another parallelism, and with another maximum
   * size of a trace in one value; the watermark advances as far as possible.
   */
  @ParameterizedTest
  @CsvSource({"heap, 300", "rocksdb, 15"})
  void partsFollowTheRulesThroughRestoresAndRescaling(String backend, int rounds) throws Exception {
    for (long seed = 0; seed < rounds; seed++) {
      Random random = new Random(seed);
      Map<TraceKey, NaiveFold> oracles = new HashMap<>();
      List<Span> spans = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        TraceKey trace = new TraceKey(i, seed, i);
        List<Span> ofTrace =
            RandomTraces.inOrder(
                RandomTraces.trace(trace, random, Pace.values()[random.nextInt(3)], true));
        NaiveFold oracle = new NaiveFold(SETTINGS);
        ofTrace.forEach(oracle::add);
        oracle.end();
        oracles.put(trace, oracle);
        spans.addAll(ofTrace);
      }
      Set<Object> expected = new HashSet<>();
      oracles.forEach(
          (trace, oracle) -> oracle.flushed.forEach(part -> expected.add(Map.entry(trace, part))));
      assertThat(run(backend, interleave(spans, random), random))
          .as("seed %d", seed)
          .isEqualTo(expected);
    }
  }

  /** Deals out the traces' spans at random, each trace's in its order. */
  private static List<Span> interleave(List<Span> spans, Random random) {
    Map<TraceKey, List<Span>> queues = new HashMap<>();
    spans.forEach(span -> queues.computeIfAbsent(span.trace(), t -> new ArrayList<>()).add(span));
    List<List<Span>> rest = new ArrayList<>(queues.values());
    List<Span> dealt = new ArrayList<>();
    while (!rest.isEmpty()) {
      List<Span> queue = rest.get(random.nextInt(rest.size()));
      dealt.add(queue.remove(0));
      rest.removeIf(List::isEmpty);
    }
    return dealt;
  }

  private static Set<Object> run(String backend, List<Span> spans, Random random) throws Exception {
    Map<Long, List<Span>> payloads = new HashMap<>();
    Set<Object> result = new HashSet<>();
    OperatorSubtaskState state = null;
    int parallelism = 1;
    int from = 0;
    while (from < spans.size()) {
      int to =
          random.nextInt(3) == 0 ? spans.size() : from + random.nextInt(spans.size() - from + 1);
      int before = parallelism;
      parallelism = 1 + random.nextInt(3);
      state =
          runUntilSnapshot(
              backend, before, parallelism, state, spans, from, to, payloads, result, random);
      from = to;
    }
    return result;
  }

  private static OperatorSubtaskState runUntilSnapshot(
      String backend,
      int parallelismBefore,
      int parallelism,
      OperatorSubtaskState state,
      List<Span> spans,
      int from,
      int to,
      Map<Long, List<Span>> payloads,
      Set<Object> result,
      Random random)
      throws Exception {
    List<KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>> subtasks =
        new ArrayList<>();
    int maxPackedBytes = PACKED_BYTES[random.nextInt(PACKED_BYTES.length)];
    for (int i = 0; i < parallelism; i++) {
      StateBackend stateBackend =
          backend.equals("heap") ? new HashMapStateBackend() : new EmbeddedRocksDBStateBackend();
      var harness = harness(stateBackend, parallelism, i, maxPackedBytes);
      if (state != null) {
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                state, MAX_PARALLELISM, parallelismBefore, parallelism, i));
      }
      harness.open();
      subtasks.add(harness);
    }
    for (int at = from; at < to; at++) {
      Span span = spans.get(at);
      var subtask =
          subtasks.get(
              org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignKeyToParallelOperator(
                  span.trace(), MAX_PARALLELISM, parallelism));
      subtask.processElement(
          new StreamRecord<>(remember(payloads, stored(span.trace(), List.of(span)), span)));
      if (at + 1 < spans.size() && random.nextBoolean()) {
        long earliestToCome =
            spans.subList(at + 1, spans.size()).stream()
                .mapToLong(Span::timestamp)
                .min()
                .orElseThrow();
        for (var each : subtasks) {
          each.processWatermark(new Watermark(earliestToCome - 1));
        }
      }
    }
    List<OperatorSubtaskState> snapshots = new ArrayList<>();
    long buffered = 0;
    for (var each : subtasks) {
      if (to == spans.size()) {
        each.processWatermark(Watermark.MAX_WATERMARK);
      }
      snapshots.add(each.snapshot(1, 1));
      for (DuePart part : parts(each)) {
        result.add(
            Map.entry(
                part.trace(),
                new Flushed(part.segmentId(), part.partNumber(), spansOf(part, payloads))));
      }
      buffered += ((TrackOperator) each.getOneInputOperator()).spansBuffered();
      each.close();
    }
    if (to == spans.size()) {
      assertThat(buffered).as("spans counted as buffered when all have left").isZero();
    }
    return AbstractStreamOperatorTestHarness.repackageState(
        snapshots.toArray(OperatorSubtaskState[]::new));
  }

  private static StoredTrace remember(
      Map<Long, List<Span>> payloads, StoredTrace trace, Span span) {
    payloads.put(payloadKey(trace.trace(), trace.subsegments().get(0)), List.of(span));
    return trace;
  }

  private static long payloadKey(TraceKey trace, Subsegment subsegment) {
    return subsegment.id() * 31 + trace.projectId();
  }

  private static Set<Span> spansOf(DuePart part, Map<Long, List<Span>> payloads) {
    Set<Span> spans = new HashSet<>();
    for (Slice slice : part.slices()) {
      spans.addAll(payloads.get(payloadKey(part.trace(), slice.subsegment())));
    }
    return spans;
  }

  static StoredTrace stored(TraceKey trace, List<Span> spans) {
    TraceSpans grouped = new SubsegmentGrouping(10_000, Long.MAX_VALUE, 2).group(trace, spans);
    return new StoredTrace(
        trace,
        grouped.spans(),
        grouped.subsegments().stream()
            .map(unstored -> unstored.subsegment().stored(1, 1))
            .toList());
  }

  private static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>
      harness(StateBackend backend, int parallelism, int subtask) throws Exception {
    return harness(backend, parallelism, subtask, TraceStore.MAX_PACKED_BYTES);
  }

  private static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>
      harness(StateBackend backend, int parallelism, int subtask, int maxPackedBytes)
          throws Exception {
    // Longer than any pause of a test, in which time must not decide.
    return harness(backend, parallelism, subtask, maxPackedBytes, Duration.ofDays(1));
  }

  static KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness(
      StateBackend backend, int parallelism, int subtask, int maxPackedBytes, Duration slice)
      throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>(
            new TrackOperator(SETTINGS, NO_REDIS, maxPackedBytes, slice),
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
