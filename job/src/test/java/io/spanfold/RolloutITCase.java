package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job on real servers, stopped with a savepoint and restored in another phase, for each
 * pair of phases, with segments open at every stop.
 */
class RolloutITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private static final int TRACES = 600;
  private static final int PARALLELISM = 2;

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
  @Timeout(300)
  void everySpanIsCommittedOnceAndNothingStaysInRedisInAnyOrderOfPhases() throws Exception {
    long seed = Long.getLong("spanfold.rollout.seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    String name = "rollout";
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    List<Span> spans = RandomTraces.many(random, TRACES, 1_000, true, Pace.values());
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));

    List<RolloutPhase> phases = throughAllChanges(random);
    try (JobCluster cluster = new JobCluster(directory, 1, PARALLELISM);
        CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      String savepoint = null;
      for (int i = 0; i < phases.size(); i++) {
        JobID job =
            cluster.submit(
                options(name, phases.get(i)), new Configuration(), PARALLELISM, savepoint);
        // Each phase gets a share of the input, so that parts are due in every phase.
        SpanRecords.send(
            servers.bootstrapServers(),
            name,
            Servers.PARTITIONS,
            spans.subList(share(spans, i, phases), share(spans, i + 1, phases)));
        boolean last = i == phases.size() - 1;
        if (last) {
          servers.awaitConsumed(name, name);
        } else {
          int enough =
              committed.all().size() + 1 + random.nextInt(expected.size() / phases.size() / 3);
          assertThat(committed.readUntil(parts -> parts.size() >= enough)).isTrue();
        }
        savepoint = cluster.stopWithSavepoint(job, last).savepoint();
        System.out.printf(
            "%s: %d parts of %d, %d keys in Redis%n",
            phases.get(i), committed.all().size(), expected.size(), servers.redisKeys().size());
        if (!last) {
          assertThat(servers.storedSpans()).as("spans in open segments").isPositive();
        }
      }
      assertThat(SegmentParts.differences(expected, SegmentParts.committed(committed.all())))
          .isEmpty();
      assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
    }
  }

  private static int share(List<?> all, int number, List<?> shares) {
    return (int) ((long) all.size() * number / shares.size());
  }

  /** Returns a path that contains each change from one phase to another once. */
  private static List<RolloutPhase> throughAllChanges(Random random) {
    Map<RolloutPhase, List<RolloutPhase>> changes = new EnumMap<>(RolloutPhase.class);
    for (RolloutPhase from : RolloutPhase.values()) {
      List<RolloutPhase> to = new ArrayList<>(EnumSet.complementOf(EnumSet.of(from)));
      Collections.shuffle(to, random);
      changes.put(from, to);
    }
    // Depth-first: extends the path if possible, otherwise backtracks.
    Deque<RolloutPhase> going = new ArrayDeque<>(List.of(RolloutPhase.MERGED));
    List<RolloutPhase> way = new ArrayList<>();
    while (!going.isEmpty()) {
      List<RolloutPhase> left = changes.get(going.peek());
      if (left.isEmpty()) {
        way.add(going.pop());
      } else {
        going.push(left.remove(0));
      }
    }
    Collections.reverse(way);
    return way;
  }

  private static Configuration options(String name, RolloutPhase phase) {
    Configuration options = servers.options(name);
    options.setString("rollout.phase", phase.toString());
    // Small fetches, so that all partitions are read concurrently.
    options.setString("kafka.properties.max.partition.fetch.bytes", "8192");
    options.setString("kafka.properties.max.poll.records", "50");
    options.setString("ingest.batch.max-spans", "5");
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    return options;
  }
}
