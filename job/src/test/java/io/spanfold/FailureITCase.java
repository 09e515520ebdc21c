package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionJobVertex;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ExceptionUtils;
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
  private static final int TRACES = 1_500;

  private static final Duration RESTART = Duration.ofMinutes(1);
  private static final long POLL_MILLIS = 20;
  private static final int STACK_DEPTH = 20;

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

    try (MiniCluster cluster = cluster();
        CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      JobID job = submit(cluster, name, 2, null);
      int taskManagers = TASK_MANAGERS;
      List<Fault> faults = faults(random);
      for (int i = 0; i < faults.size(); i++) {
        // Somewhere in the i-th part of the first half of the expected output.
        int enough = (int) ((i + random.nextDouble()) / faults.size() * expected.size() / 2);
        assertThat(committed.readUntil(seen -> seen.size() >= enough))
            .as("output continues")
            .isTrue();
        System.out.printf("seed %d: %s after %d parts%n", seed, faults.get(i), enough);
        switch (faults.get(i)) {
          case TASK_MANAGER_KILLED -> {
            cluster.terminateTaskManager(taskManagers - 1 - random.nextInt(TASK_MANAGERS)).get();
            cluster.startTaskManager();
            taskManagers++;
          }
          case STOPPED_WITH_SAVEPOINT -> {
            Stopped stopped = stopWithSavepoint(cluster, job, false);
            job = submit(cluster, name, 1 + random.nextInt(4), stopped.savepoint);
          }
        }
      }
      servers.awaitConsumed(name, name);
      for (Stopped end = stopWithSavepoint(cluster, job, true);
          !end.isCommitted;
          end = stopWithSavepoint(cluster, job, true)) {
        job = submit(cluster, name, 1, end.savepoint);
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

  /**
   * A stopped job. If a task fails after the savepoint, Flink does not restart the job, and leaves
   * the savepoint's transactions to the job that starts from it.
   */
  private record Stopped(String savepoint, boolean isCommitted) {}

  /**
   * Stops the job with a savepoint; retries while the job restarts after a killed task manager.
   * With {@code drain}, all deadlines pass before the savepoint.
   */
  private static Stopped stopWithSavepoint(MiniCluster cluster, JobID job, boolean drain)
      throws Exception {
    while (true) {
      awaitRunning(cluster, job);
      try {
        String savepoint =
            cluster
                .stopWithSavepoint(
                    job,
                    directory.resolve("savepoints").toUri().toString(),
                    drain,
                    SavepointFormatType.CANONICAL)
                .get(60, TimeUnit.SECONDS);
        return new Stopped(savepoint, true);
      } catch (ExecutionException e) {
        Optional<StopWithSavepointStoppingException> failed =
            ExceptionUtils.findThrowable(e, StopWithSavepointStoppingException.class);
        if (failed.isPresent()) {
          return new Stopped(failed.get().getSavepointPath(), false);
        }
        System.out.println("no savepoint yet: " + e.getMessage());
      }
    }
  }

  /** Waits until all vertices run; fails with their states if that takes more than a minute. */
  private static void awaitRunning(MiniCluster cluster, JobID job) throws Exception {
    long until = System.nanoTime() + RESTART.toNanos();
    while (true) {
      JobStatus status = cluster.getJobStatus(job).get();
      var graph = cluster.getExecutionGraph(job).get();
      var vertices = graph.getAllVertices().values();
      if (status == JobStatus.RUNNING
          && vertices.stream()
              .allMatch(vertex -> vertex.getAggregateState() == ExecutionState.RUNNING)) {
        return;
      }
      if (status.isGloballyTerminalState() || System.nanoTime() - until > 0) {
        Thread.getAllStackTraces().forEach(FailureITCase::print);
        fail(
            "the job is %s with %s after %s",
            status,
            vertices.stream().map(AccessExecutionJobVertex::getAggregateState).toList(),
            graph.getFailureInfo() == null
                ? "no failure"
                : graph.getFailureInfo().getExceptionAsString());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private static void print(Thread thread, StackTraceElement[] stack) {
    System.out.println(thread);
    Stream.of(stack).limit(STACK_DEPTH).forEach(frame -> System.out.println("    at " + frame));
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

  private static MiniCluster cluster() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(16));
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(TASK_MANAGERS)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
    cluster.start();
    return cluster;
  }

  private static JobID submit(MiniCluster cluster, String name, int parallelism, String savepoint)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
        directory.resolve("checkpoints").toUri().toString());
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 100);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(100));
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(parallelism);
    SpanfoldJob.build(env, SpanfoldConfig.of(options(name)), 500_000);
    return cluster.submitJob(env.getStreamGraph()).get().getJobID();
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
