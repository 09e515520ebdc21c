package io.spanfold.job.track;

import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.serialization.StateType;
import io.spanfold.testing.Spans;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.flink.core.fs.local.LocalFileSystem;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.filesystem.FsCheckpointStreamFactory;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFinalizer;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Measures what {@link TrackOperator} alone costs, in Flink's test harness. A trace's spans come
 * over two seconds, children before their parents, in batches of half a second.
 *
 * <p>{@code -Dspanfold.track-cost} has the arguments: {@code heap} or {@code rocksdb}; spans per
 * second of record time; spans in all; spans between two checkpoints; spans a segment; segments a
 * trace. It prints, for each half a million spans, the CPU time of the operator's thread a span,
 * that of the whole process less the traffic's, and how long the synchronous phases of checkpoints
 * took. Only on an idle machine do the latter mean much.
 */
final class TrackCost {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 900_000, 60_000, 10_000_000, 1_000_000);
  private static final SubsegmentGrouping GROUPING = new SubsegmentGrouping(10_000, 1_000_000, 2);
  private static final long BATCH_MILLIS = 500;
  private static final long TRACE_MILLIS = 2_000;

  /** More than what is due at a watermark takes; those that are not needed cost nothing. */
  private static final int MAX_SLICES = 100;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final com.sun.management.OperatingSystemMXBean PROCESS =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Random random = new Random(1);
  private final PriorityQueue<Span> toCome =
      new PriorityQueue<>(Comparator.comparingLong(Span::timestamp));
  private int spansPerSecond;
  private int spansASegment;
  private int segmentsATrace;
  private long traces;
  private long offset;
  private long time = 1_700_000_000_000L;

  @Test
  @Timeout(3_600)
  @EnabledIfSystemProperty(named = "spanfold.track-cost", matches = ".+")
  void measure() throws Exception {
    main(System.getProperty("spanfold.track-cost").split(" "));
  }

  public static void main(String[] args) throws Exception {
    TrackCost traffic = new TrackCost();
    traffic.spansPerSecond = Integer.parseInt(args[1]);
    traffic.spansASegment = Integer.parseInt(args[4]);
    traffic.segmentsATrace = Integer.parseInt(args[5]);
    long spans = Long.parseLong(args[2]);
    Path directory = Files.createTempDirectory("track-cost");
    try {
      traffic.measure(args[0], spans, Long.parseLong(args[3]), directory);
    } finally {
      delete(directory);
    }
  }

  private void measure(String backend, long spans, long spansACheckpoint, Path directory)
      throws Exception {
    StateBackend stateBackend = backend.equals("heap") ? new HashMapStateBackend() : rocksDb();
    try (var harness =
        new KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest>(
            new TrackOperator(SETTINGS, TrackOperatorTest.NO_REDIS),
            StoredTrace::trace,
            StateType.TRACE_KEY,
            5040,
            32,
            0)) {
      harness.setStateBackend(stateBackend);
      harness.setup(StateType.FLUSH_REQUEST.serializer());
      harness.open();
      Report report = new Report();
      long folded = 0;
      long checkpoint = 0;
      while (folded < spans) {
        List<StoredTrace> batch = nextBatch();
        report.begin();
        for (StoredTrace trace : batch) {
          harness.processElement(new StreamRecord<>(trace));
          folded += trace.spans().size();
        }
        harness.processWatermark(new Watermark(time - BATCH_MILLIS));
        for (int slice = 0; slice < MAX_SLICES; slice++) {
          harness.setProcessingTime(harness.getProcessingTime() + 1_000);
        }
        report.end();
        report.parts += harness.getOutput().size() - 1L;
        harness.getOutput().clear();
        if (folded / spansACheckpoint > checkpoint) {
          checkpoint++;
          snapshot(harness, checkpoint, directory, report);
        }
        report.printSometimes(folded);
      }
      report.print(folded);
    }
  }

  /** With memory as in a slot; the harness has next to none to manage. */
  private static StateBackend rocksDb() {
    EmbeddedRocksDBStateBackend backend = new EmbeddedRocksDBStateBackend(true);
    backend.getMemoryConfiguration().setFixedMemoryPerSlot("256mb");
    return backend;
  }

  private static void snapshot(
      KeyedOneInputStreamOperatorTestHarness<TraceKey, StoredTrace, FlushRequest> harness,
      long checkpoint,
      Path directory,
      Report report)
      throws Exception {
    var path = org.apache.flink.core.fs.Path.fromLocalFile(directory.toFile());
    var streams =
        new FsCheckpointStreamFactory(
            LocalFileSystem.getSharedInstance(), path, path, 20 * 1024, 4 * 1024);
    report.begin();
    long start = System.nanoTime();
    long startCpu = THREADS.getCurrentThreadCpuTime();
    var futures =
        harness
            .getOperator()
            .snapshotState(
                checkpoint,
                checkpoint,
                CheckpointOptions.forCheckpointWithDefaultLocation(),
                streams);
    report.checkpoints.add(
        "%d/%d"
            .formatted(
                (System.nanoTime() - start) / 1_000_000,
                (THREADS.getCurrentThreadCpuTime() - startCpu) / 1_000_000));
    report.end();
    var state = OperatorSnapshotFinalizer.create(futures).getJobManagerOwnedState();
    report.checkpointBytes = state.getCheckpointedSize();
    harness.notifyOfCompletedCheckpoint(checkpoint);
    state.discardState();
  }

  /** Returns the traces' shares of the next half second. */
  private List<StoredTrace> nextBatch() {
    long until = time + BATCH_MILLIS;
    long newTraces =
        spansPerSecond * BATCH_MILLIS / 1_000 / (spansASegment * (long) segmentsATrace);
    for (long i = 0; i < newTraces; i++) {
      addTrace(time + random.nextInt((int) BATCH_MILLIS));
    }
    Map<TraceKey, List<Span>> spans = new LinkedHashMap<>();
    while (!toCome.isEmpty() && toCome.peek().timestamp() < until) {
      Span span = toCome.poll();
      Span read = io.spanfold.testing.RandomTraces.at(span, span.timestamp(), 0, offset++);
      spans.computeIfAbsent(read.trace(), trace -> new ArrayList<>()).add(read);
    }
    time = until;
    List<StoredTrace> batch = new ArrayList<>();
    spans.forEach((trace, ofTrace) -> batch.add(stored(GROUPING.group(trace, ofTrace))));
    return batch;
  }

  private static StoredTrace stored(TraceSpans grouped) {
    return new StoredTrace(
        grouped.trace(),
        grouped.spans(),
        grouped.subsegments().stream()
            .map(unstored -> unstored.subsegment().stored(1_000, 2, null))
            .toList());
  }

  /** The root of a segment ends last; its other spans hang below it or below one another. */
  private void addTrace(long start) {
    TraceKey trace;
    do {
      trace = new TraceKey(traces % 50, random.nextLong(), traces++);
    } while (!isInFirstKeyGroups(trace));
    for (int segment = 0; segment < segmentsATrace; segment++) {
      long end = start + random.nextInt((int) TRACE_MILLIS);
      long duration = Math.min(end - start, 400);
      long root = random.nextLong();
      long[] ids = new long[spansASegment];
      ids[0] = root;
      for (int i = 1; i < spansASegment; i++) {
        ids[i] = random.nextLong();
        long parent = ids[random.nextInt(i)];
        long before = duration == 0 ? 0 : random.nextInt((int) duration + 1);
        toCome.add(Spans.child(trace, ids[i], parent, end - before, 0));
      }
      toCome.add(Spans.root(trace, root, end, 0));
    }
  }

  private static boolean isInFirstKeyGroups(TraceKey trace) {
    return org.apache.flink.runtime.state.KeyGroupRangeAssignment.assignKeyToParallelOperator(
            trace, 5040, 32)
        == 0;
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** What was measured of the latest half a million spans. */
  private static final class Report {
    private long nanos;
    private long threadStart;
    private long processNanos;
    private long processStart;
    private long parts;
    private long spansBefore;
    private long printed;
    private final List<String> checkpoints = new ArrayList<>();
    private long checkpointBytes;

    void begin() {
      processStart = PROCESS.getProcessCpuTime();
      threadStart = THREADS.getCurrentThreadCpuTime();
    }

    void end() {
      nanos += THREADS.getCurrentThreadCpuTime() - threadStart;
      processNanos += PROCESS.getProcessCpuTime() - processStart;
    }

    void printSometimes(long spans) {
      if (spans - printed >= 500_000) {
        printed = spans;
        print(spans);
        nanos = 0;
        processNanos = 0;
        spansBefore = spans;
        checkpoints.clear();
      }
    }

    void print(long spans) {
      if (spans == spansBefore) {
        return;
      }
      System.out.printf(
          "%,d spans: %.2f us of the thread a span, %.2f of the process; %,d parts; "
              + "synchronous phases of checkpoints in ms, and their CPU time: %s, the last one of "
              + "%,d bytes%n",
          spans,
          nanos / 1e3 / (spans - spansBefore),
          processNanos / 1e3 / (spans - spansBefore),
          parts,
          checkpoints,
          checkpointBytes);
    }
  }
}
