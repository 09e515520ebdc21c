package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.embedded.Await;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job on real servers, ended without a savepoint and started without state: the spans in
 * Redis are emitted once, even if the topic still holds it and is read again.
 */
class AdoptITCase {

  private static final Duration OPEN = Duration.ofHours(1);

  /** Nothing is due before the end. */
  private static final FoldSettings SETTINGS =
      new FoldSettings(
          OPEN.toMillis(), OPEN.toMillis(), 2 * OPEN.toMillis(), 60_000, Long.MAX_VALUE);

  private static final int TRACES = 200;

  @TempDir static Path directory;

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
  @Timeout(180)
  void spansOfALostJobAreEmittedOnceAndNothingStaysInRedis() throws Exception {
    lose("lost", RolloutPhase.MERGED, RolloutPhase.DISTRIBUTED, false);
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  @Test
  @Timeout(180)
  void spansOfALostJobAreEmittedOnceAlthoughTheAdoptingJobFails() throws Exception {
    lose("lost-twice", RolloutPhase.DISTRIBUTED, RolloutPhase.DUAL_READ, true);
    assertThat(servers.redisKeys())
        .as("left in quarantine")
        .noneMatch(key -> key.startsWith("span-buf:ad:"));
    servers.wipeRedis(); // Of what failed attempts wrote something is left, by design.
  }

  private void lose(String name, RolloutPhase before, RolloutPhase after, boolean failing)
      throws Exception {
    long seed = Long.getLong("spanfold.adopt.seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    List<Span> spans = RandomTraces.many(random, TRACES, 100, false, Pace.DENSE);
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));
    // Traces are divided, so that later spans join adopted ones.
    int share = spans.size() * 2 / 3;
    try (JobCluster cluster = new JobCluster(directory, 2, 1);
        CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      JobID lost = cluster.submit(options(name, before, false), new Configuration(), 2, null);
      send(name, spans.subList(0, share));
      servers.awaitConsumed(name, name);
      assertThat(servers.storedSpans()).isEqualTo(share);
      cluster.cancel(lost);
      // As if the last checkpoint were older.
      servers.rewind(name, 0.3);
      send(name, spans.subList(share, spans.size()));

      JobID job = cluster.submit(options(name, after, true), new Configuration(), 2, null);
      if (failing) {
        awaitQuarantine(true);
        cluster.replaceTaskManager(random.nextInt(2));
        awaitQuarantine(false);
        cluster.replaceTaskManager(random.nextInt(2));
      }
      servers.awaitConsumed(name, name);
      String savepoint = cluster.stopWithSavepoint(job, false).savepoint();
      // A restored job ignores the option, so it may stay on.
      Configuration last = options(name, after, failing);
      cluster.stopWithSavepoint(cluster.submit(last, new Configuration(), 2, savepoint), true);
      assertThat(SegmentParts.differences(expected, SegmentParts.committed(committed.all())))
          .isEmpty();
    }
  }

  /** Waits until the quarantine has traces, or is empty if {@code something} is false. */
  private static void awaitQuarantine(boolean something) throws InterruptedException {
    Await.until(
        () ->
            servers.redisKeys().stream().anyMatch(key -> key.startsWith("span-buf:ad:"))
                == something);
  }

  private static void send(String topic, List<Span> spans) {
    SpanRecords.send(servers.bootstrapServers(), topic, Servers.PARTITIONS, spans);
  }

  private static Configuration options(String name, RolloutPhase phase, boolean adopt) {
    Configuration options = servers.options(name);
    options.setString("rollout.phase", phase.toString());
    options.setString("segment.timeout", "1 h");
    options.setString("segment.root-timeout", "1 h");
    options.setString("segment.max-age", "2 h");
    options.setString("ingest.batch.max-delay", "50 ms");
    options.setString("ingest.adopt", Boolean.toString(adopt));
    return options;
  }
}
