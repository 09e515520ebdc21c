package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.JobCluster.Stopped;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The whole job on real servers while task managers are killed at random, and while it is stopped
 * with a savepoint and resumed with another parallelism; the committed output is compared part by
 * part, span by span.
 *
 * <p>{@code -Dspanfold.failure.rounds=20} runs more seeds, {@code -Dspanfold.failure.seed=7} starts
 * at another.
 */
class FailureITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private static final int TASK_MANAGERS = 3;
  private static final int TRACES = 1_000;

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

  static LongStream seeds() {
    long first = Long.getLong("spanfold.failure.seed", 1);
    return LongStream.range(first, first + Integer.getInteger("spanfold.failure.rounds", 2));
  }

  /** The disturbances of the job. */
  private enum Fault {
    TASK_MANAGER_KILLED,
    STOPPED_WITH_SAVEPOINT
  }

  @ParameterizedTest
  @MethodSource("seeds")
  @Timeout(300)
  void everySpanIsCommittedOnceInItsPartThroughFailuresAndRescaling(long seed) throws Exception {
    Random random = new Random(seed);
    String name = "failures-" + seed;
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    List<Span> spans = RandomTraces.many(random, TRACES, 1_000, true, Pace.values());
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));

    try (JobCluster cluster = new JobCluster(directory, TASK_MANAGERS, 2);
        CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      JobID job = cluster.submit(options(name), new Configuration(), 2, null);
      List<Fault> faults = faults(random);
      for (int i = 0; i < faults.size(); i++) {
        // Somewhere in the i-th part of the first half of the expected output.
        int enough = (int) ((i + random.nextDouble()) / faults.size() * expected.size() / 2);
        assertThat(committed.readUntil(seen -> seen.size() >= enough))
            .as("output continues")
            .isTrue();
        System.out.printf("seed %d: %s after %d parts%n", seed, faults.get(i), enough);
        switch (faults.get(i)) {
          case TASK_MANAGER_KILLED -> cluster.replaceTaskManager(random.nextInt(TASK_MANAGERS));
          case STOPPED_WITH_SAVEPOINT -> {
            String savepoint = cluster.stopWithSavepoint(job, false).savepoint();
            int parallelism = 1 + random.nextInt(4);
            job = cluster.submit(options(name), new Configuration(), parallelism, savepoint);
          }
        }
      }
      servers.awaitConsumed(name, name);
      Stopped end = cluster.stopWithSavepoint(job, true);
      while (!end.isCommitted()) {
        job = cluster.submit(options(name), new Configuration(), 1, end.savepoint());
        end = cluster.stopWithSavepoint(job, true);
      }
      List<String> differences =
          SegmentParts.differences(expected, SegmentParts.committed(committed.all()));
      differences.sort(Comparator.comparing(difference -> difference.substring(2)));
      System.out.printf(
          "seed %d: %d differences, open transactions %s%n",
          seed, differences.size(), servers.openTransactions());
      assertThat(differences).isEmpty();
    }
  }

  private static List<Fault> faults(Random random) {
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      faults.add(Fault.TASK_MANAGER_KILLED);
    }
    faults.add(Fault.STOPPED_WITH_SAVEPOINT);
    Collections.shuffle(faults, random);
    return faults;
  }

  private static Configuration options(String name) {
    Configuration options = servers.options(name);
    // Small fetches, so that all partitions are read concurrently, and failures meet them half
    // read.
    options.setString("kafka.properties.max.partition.fetch.bytes", "8192");
    options.setString("kafka.properties.max.poll.records", "50");
    options.setString("ingest.batch.max-spans", "1");
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    return options;
  }
}
