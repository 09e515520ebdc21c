package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job at full input while Redis refuses all writes. A long refusal is given by {@code
 * -Dspanfold.refusal.seconds=600}.
 */
class RefusedWritesITCase {

  private static final Duration REFUSAL =
      Duration.ofSeconds(Integer.getInteger("spanfold.refusal.seconds", 15));

  private static final int TRACES = 2_000;
  private static final int SPANS_A_TRACE = 4;
  private static final int RECORD_BYTES = 2_000;

  /** How many checkpoints have to complete while writes are refused, however long they take. */
  private static final int CHECKPOINTS = 3;

  /** Far above what is in flight when the gate closes, and far below the input. */
  private static final long MOST_READ = TRACES * SPANS_A_TRACE / 2;

  @TempDir private static Path directory;
  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @Test
  @Timeout(900)
  void checkpointsContinueAndLittleIsReadUntilRedisAcceptsWritesAgain() throws Exception {
    String name = "refused";
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    Configuration flink = new Configuration();
    // A failure fails the test.
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    try (CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments");
        JobCluster cluster = new JobCluster(directory, 1, 2)) {
      JobID job = cluster.submit(options(name), flink, 2, null);
      send(name, spans(0, 1));
      assertThat(committed.readUntil(seen -> !seen.isEmpty())).isTrue();

      servers.configureRedis("min-replicas-to-write", "1");
      long before = cluster.completedCheckpoints(job);
      send(name, spans(1, TRACES));
      long end = System.nanoTime() + REFUSAL.toNanos();
      LongAccumulator largestHeap = new LongAccumulator(Math::max, 0);
      Await.until(
          () -> {
            cluster.awaitRunning(job);
            largestHeap.accumulate(usedHeap());
            return System.nanoTime() >= end
                && cluster.completedCheckpoints(job) - before >= CHECKPOINTS;
          });
      long checkpoints = cluster.completedCheckpoints(job) - before;
      long read = servers.consumed(name);
      servers.configureRedis("min-replicas-to-write", "0");

      assertThat(committed.readUntil(seen -> seen.size() >= TRACES)).isTrue();
      cluster.stopWithSavepoint(job, true);
      System.out.printf(
          "Redis refused writes for %d s: %d of %d spans were read, %d checkpoints completed, at"
              + " most %d MB of heap were used%n",
          REFUSAL.toSeconds(), read, TRACES * SPANS_A_TRACE, checkpoints, largestHeap.get() >> 20);
      assertThat(read).isLessThan(MOST_READ);
      assertThat(spanIds(committed)).hasSize(TRACES * SPANS_A_TRACE).doesNotHaveDuplicates();
      assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
    }
  }

  private static List<String> spanIds(CommittedRecords committed) {
    return SegmentParts.committed(committed.all()).stream()
        .flatMap(part -> Stream.of(part.replaceAll(".*\\[|]", "").split(", ")))
        .toList();
  }

  /** The heap in use after the last collection, which the task managers share with this test. */
  private static long usedHeap() {
    long used = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null) {
        used += pool.getCollectionUsage().getUsed();
      }
    }
    return used;
  }

  private static Configuration options(String name) {
    Configuration options = servers.options(name);
    options.setString("ingest.batch.max-bytes", "256 kb");
    options.setString("ingest.batch.max-delay", "100 ms");
    options.setString("segment.root-timeout", "1 s");
    options.setString("segment.late-grace", "5 s");
    return options;
  }

  private static List<Span> spans(int fromTrace, int toTrace) {
    List<Span> spans = new ArrayList<>();
    long now = System.currentTimeMillis();
    for (int trace = fromTrace; trace < toTrace; trace++) {
      for (int i = 0; i < SPANS_A_TRACE; i++) {
        long root = 1 + (long) trace * SPANS_A_TRACE;
        TraceKey key = new TraceKey(1, 1, trace);
        spans.add(
            i == 0
                ? Spans.root(key, root, now, root)
                : Spans.child(key, root + i, root, now, root + i));
      }
    }
    return spans;
  }

  private static void send(String topic, List<Span> spans) {
    SpanRecords.send(
        Map.of("bootstrap.servers", servers.bootstrapServers()),
        topic,
        Servers.PARTITIONS,
        spans,
        span -> RECORD_BYTES);
  }
}
