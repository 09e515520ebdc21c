package io.spanfold.testing;

import io.spanfold.SpanfoldJob;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.CheckpointStatsSnapshot;
import org.apache.flink.runtime.client.JobExecutionException;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.ErrorInfo;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ExceptionUtils;

/** A Flink cluster whose task managers can be killed, and the job on it. */
public final class JobCluster implements AutoCloseable {

  private static final Duration CHECKPOINTS = Duration.ofMillis(300);
  private static final int CHUNK_BYTES = 500_000;

  private final MiniCluster cluster;
  private final Path directory;
  private int taskManagers;

  /**
   * Starts a cluster.
   *
   * @param directory for checkpoints and savepoints
   * @param taskManagers the number of task managers
   * @param slots the number of slots of each
   */
  public JobCluster(Path directory, int taskManagers, int slots) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(16));
    this.cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(taskManagers)
                .setNumSlotsPerTaskManager(slots)
                .withRandomPorts()
                .build());
    this.directory = directory;
    this.taskManagers = taskManagers;
    cluster.start();
  }

  /**
   * Submits the job.
   *
   * @param options its options
   * @param flink Flink's configuration, in addition to what every test needs
   * @param savepoint the savepoint to restore; null to start without state
   */
  public JobID submit(Configuration options, Configuration flink, int parallelism, String savepoint)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY,
        directory.resolve("checkpoints").toUri().toString());
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINTS);
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 100);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(100));
    configuration.addAll(flink);
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(parallelism);
    SpanfoldJob.build(env, SpanfoldConfig.of(options), CHUNK_BYTES);
    return cluster.submitJob(env.getStreamGraph()).get().getJobID();
  }

  /** Kills the task manager that is the {@code age}-th youngest, and starts another. */
  public void replaceTaskManager(int age) throws Exception {
    cluster.terminateTaskManager(taskManagers - 1 - age).get();
    startTaskManager();
  }

  /** Kills the youngest task manager. */
  public void killTaskManager() throws Exception {
    cluster.terminateTaskManager(taskManagers - 1).get();
  }

  /** Starts another task manager. */
  public void startTaskManager() throws Exception {
    cluster.startTaskManager();
    taskManagers++;
  }

  /**
   * A stopped job.
   *
   * @param savepoint its location
   * @param isCommitted whether its transactions are committed. Otherwise a task failed after the
   *     savepoint; Flink does not restart the job then, and the one that starts from the savepoint
   *     commits them
   */
  public record Stopped(String savepoint, boolean isCommitted) {}

  /**
   * Stops the job with a savepoint; retries while the job restarts after a failure.
   *
   * @param drain whether all deadlines pass before it
   */
  public Stopped stopWithSavepoint(JobID job, boolean drain) throws Exception {
    while (true) {
      awaitRunning(job);
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

  /** Ends the job without a savepoint, so that its state is lost, and waits for its end. */
  public void cancel(JobID job) throws Exception {
    cluster.cancelJob(job).get();
    Await.until(() -> cluster.getJobStatus(job).get().isGloballyTerminalState());
  }

  /** Returns the location of the last completed checkpoint, which outlives a cancelled job. */
  public String lastCheckpoint(JobID job) throws Exception {
    return checkpoints(job).getHistory().getLatestCompletedCheckpoint().getExternalPath();
  }

  /** Returns how many checkpoints have completed since the job started. */
  public long completedCheckpoints(JobID job) throws Exception {
    return checkpoints(job).getCounts().getNumberOfCompletedCheckpoints();
  }

  /** Returns the most bytes of records in flight between tasks that a checkpoint has. */
  public long inFlightBytes(JobID job) throws Exception {
    return checkpoints(job).getSummaryStats().getPersistedDataStats().getMaximum();
  }

  private CheckpointStatsSnapshot checkpoints(JobID job) throws Exception {
    return cluster.getExecutionGraph(job).get().getCheckpointStatsSnapshot();
  }

  /** Waits until all tasks run; fails with the cause if the job has ended. */
  public void awaitRunning(JobID job) throws Exception {
    Await.until(() -> isRunning(job));
  }

  private boolean isRunning(JobID job) throws Exception {
    JobStatus status = cluster.getJobStatus(job).get();
    AccessExecutionGraph graph = cluster.getExecutionGraph(job).get();
    if (status.isGloballyTerminalState()) {
      ErrorInfo failure = graph.getFailureInfo();
      throw new AssertionError(
          "the job is %s: %s"
              .formatted(status, failure == null ? "" : failure.getExceptionAsString()));
    }
    return status == JobStatus.RUNNING
        && graph.getAllVertices().values().stream()
            .allMatch(vertex -> vertex.getAggregateState() == ExecutionState.RUNNING);
  }

  /**
   * Waits for the end of a bounded job.
   *
   * @throws JobExecutionException if it fails
   */
  public void await(JobID job) throws Exception {
    cluster
        .requestJobResult(job)
        .get(90, TimeUnit.SECONDS)
        .toJobExecutionResult(JobCluster.class.getClassLoader());
  }

  /** Returns the address of the web interface. */
  public URI webAddress() throws Exception {
    return cluster.getRestAddress().get();
  }

  @Override
  public void close() throws Exception {
    cluster.close();
  }
}
