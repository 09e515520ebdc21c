package io.spanfold.job.track;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.track.TraceStore.Limits;
import io.spanfold.testing.NaiveFold.Flushed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;

/**
 * The subtasks of a {@link TrackOperator}, which are disturbed at random: by snapshots, and by
 * restores with another parallelism and other limits of what is on the heap.
 */
final class TrackSubtasks implements AutoCloseable {

  private static final int MAX_PARALLELISM = TrackOperatorTest.MAX_PARALLELISM;

  /** No trace, some traces, and all traces are small. */
  private static final int[] PACKED_BYTES = {0, 400, Limits.DEFAULT.packedBytes()};

  /** No trace, some traces, and all traces are on the heap. */
  private static final long[] HEAP_BYTES = {0, 1_000, Limits.DEFAULT.heapBytes()};

  /** A flushed part of a trace. */
  record Part(TraceKey trace, Flushed flushed) {}

  final Set<Part> parts = new HashSet<>();

  private final String backend;
  private final FoldSettings settings;
  private final Random random;
  private final Map<SourcePosition, Span> spans = new HashMap<>();
  private final List<KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>>
      subtasks = new ArrayList<>();
  private Watermark watermark;
  private long snapshots;

  /** The batches and watermarks that wait in the stage before, while it has stopped. */
  private final List<Object> onTheWay = new ArrayList<>();

  /** Whether a watermark has come through that stage. */
  private boolean timeIsKnown;

  private final boolean mayStop;
  private boolean stopped;

  /**
   * @param backend {@code heap} or {@code rocksdb}
   * @param mayStop whether the stage before may stop; what is in it at a restore then comes in any
   *     order, before the first watermark. So no span may be late
   */
  TrackSubtasks(String backend, FoldSettings settings, boolean mayStop, Random random)
      throws Exception {
    this.mayStop = mayStop;
    this.backend = backend;
    this.settings = settings;
    this.random = random;
    start(1, 0, null);
  }

  private void start(int parallelism, int parallelismBefore, OperatorSubtaskState state)
      throws Exception {
    Limits limits =
        new Limits(
            PACKED_BYTES[random.nextInt(PACKED_BYTES.length)],
            random.nextInt(8) == 0 ? 2 : Limits.DEFAULT.batchSpans(),
            HEAP_BYTES[random.nextInt(HEAP_BYTES.length)],
            random.nextInt(4));
    for (int i = 0; i < parallelism; i++) {
      StateBackend stateBackend =
          backend.equals("heap") ? new HashMapStateBackend() : new EmbeddedRocksDBStateBackend();
      var subtask =
          TrackOperatorTest.harness(
              new TrackOperator(settings, TrackOperatorTest.NO_REDIS, limits, Duration.ofDays(1)),
              stateBackend,
              parallelism,
              i);
      if (state != null) {
        subtask.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                state, MAX_PARALLELISM, parallelismBefore, parallelism, i));
      }
      subtask.open();
      subtasks.add(subtask);
    }
  }

  /** Adds spans of one trace, and then maybe disturbs. */
  void add(List<Span> batch) throws Exception {
    TraceKey trace = batch.get(0).trace();
    for (Span span : batch) {
      spans.put(position(trace, span.partition(), span.offset()), span);
    }
    StoredTrace stored = TrackOperatorTest.stored(trace, batch);
    if (stopped) {
      onTheWay.add(stored);
    } else {
      process(stored);
    }
    disturb();
  }

  private void process(StoredTrace batch) throws Exception {
    int subtask =
        KeyGroupRangeAssignment.assignKeyToParallelOperator(
            batch.trace(), MAX_PARALLELISM, subtasks.size());
    subtasks.get(subtask).processElement(new StreamRecord<>(batch));
  }

  void advanceTo(long time) throws Exception {
    watermark = new Watermark(time);
    if (stopped) {
      onTheWay.add(watermark);
    } else {
      process(watermark);
    }
  }

  private void process(Watermark mark) throws Exception {
    timeIsKnown = true;
    for (var subtask : subtasks) {
      subtask.processWatermark(mark);
    }
  }

  private void goOn() throws Exception {
    stopped = false;
    for (Object next : onTheWay) {
      if (next instanceof Watermark mark) {
        process(mark);
      } else {
        process((StoredTrace) next);
      }
    }
    onTheWay.clear();
  }

  private void disturb() throws Exception {
    switch (random.nextInt(10)) {
      case 0 -> {
        for (var subtask : subtasks) {
          snapshot(subtask).discardState();
        }
      }
      case 1 -> restart();
      case 2 -> stopped = mayStop && timeIsKnown;
      case 3 -> goOn();
      default -> {}
    }
  }

  private void restart() throws Exception {
    List<OperatorSubtaskState> states = new ArrayList<>();
    int parallelism = subtasks.size();
    for (var subtask : subtasks) {
      states.add(snapshot(subtask));
      takeParts(subtask);
      subtask.close();
    }
    subtasks.clear();
    start(
        1 + random.nextInt(3),
        parallelism,
        AbstractStreamOperatorTestHarness.repackageState(
            states.toArray(OperatorSubtaskState[]::new)));
    onTheWay.removeIf(Watermark.class::isInstance);
    Collections.shuffle(onTheWay, random);
    if (!onTheWay.isEmpty() && random.nextInt(4) == 0) {
      process((StoredTrace) onTheWay.remove(0));
      restart();
      return;
    }
    if (watermark != null) {
      onTheWay.add(watermark);
    }
    goOn();
  }

  private OperatorSubtaskState snapshot(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> subtask)
      throws Exception {
    return subtask.snapshot(++snapshots, snapshots);
  }

  /** Returns how many spans are counted as buffered at the end. */
  long end() throws Exception {
    goOn();
    advanceTo(Watermark.MAX_WATERMARK.getTimestamp());
    long buffered = 0;
    for (var subtask : subtasks) {
      takeParts(subtask);
      TrackOperator operator = (TrackOperator) subtask.getOneInputOperator();
      buffered += operator.spansBuffered();
      if (!operator.isIdle()) {
        throw new AssertionError("state is left behind");
      }
    }
    return buffered;
  }

  @Override
  public void close() throws Exception {
    for (var subtask : subtasks) {
      subtask.close();
    }
  }

  private void takeParts(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> subtask) {
    for (DuePart part : TrackOperatorTest.parts(subtask)) {
      Flushed flushed = new Flushed(part.segmentId(), part.partNumber(), spansOf(part));
      if (!parts.add(new Part(part.trace(), flushed))) {
        throw new AssertionError("a part is flushed twice");
      }
    }
  }

  private Set<Span> spansOf(DuePart part) {
    Set<Span> ofPart = new HashSet<>();
    for (Slice slice : part.slices()) {
      Subsegment subsegment = slice.subsegment();
      List<SourcePosition> positions = subsegment.positions().all();
      for (int i = 0; i < positions.size(); i++) {
        int index = i;
        if (slice.indexes() == null
            || java.util.Arrays.stream(slice.indexes()).anyMatch(each -> each == index)) {
          SourcePosition position = positions.get(i);
          ofPart.add(spans.get(position(part.trace(), position.partition(), position.offset())));
        }
      }
    }
    return ofPart;
  }

  /** Offsets of two traces may be the same. */
  private static SourcePosition position(TraceKey trace, int partition, long offset) {
    return new SourcePosition(partition, offset, (int) trace.projectId());
  }
}
