package io.spanfold.local.cluster;

import io.spanfold.embedded.Await;
import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.ProgressLine;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.servers.ProcessServers;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerSettings;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Runs all servers as processes, and the job without any input, until it is stopped. */
public final class Cluster implements Command {

  private static final int DEFAULT_PARTITIONS = 4;
  private static final int MAX_PARTITIONS = 128;
  private static final int DEFAULT_PARALLELISM = 2;

  /** The slots of the two task managers. */
  private static final int MAX_PARALLELISM = 8;

  private static final long POLL_MILLIS = 1_000;

  private static final Map<String, String> FLINK = Map.of("execution.checkpointing.interval", "5s");

  private final RunDirectory directory;

  public Cluster(RunDirectory directory) {
    this.directory = directory;
  }

  @Override
  public String name() {
    return "cluster";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh cluster [options] [-- job options]
        Starts every server as a process: a Kafka broker, a Redis Cluster of three masters of
        which two have a replica, a Flink job manager and two task managers. Submits the job and
        runs until Ctrl-C. Checkpoints and savepoints are on disk while it runs.
        --partitions N       of the source topic (%d)
        --parallelism N      of the job (%d)
        --kafka-port PORT, --web-port PORT   default: free ports
    """
        .formatted(DEFAULT_PARTITIONS, DEFAULT_PARALLELISM);
  }

  @Override
  public void run(List<String> given) {
    Arguments arguments =
        Arguments.parse(given, Set.of("partitions", "parallelism", "kafka-port", "web-port"));
    int partitions = arguments.number("partitions", DEFAULT_PARTITIONS, 1, MAX_PARTITIONS);
    int parallelism = arguments.number("parallelism", DEFAULT_PARALLELISM, 1, MAX_PARALLELISM);
    JobOptions options = new JobOptions(arguments.jobOptions());
    ProgressLine progress = new ProgressLine(Duration.ofSeconds(60));
    progress.print("starting Kafka, a Redis Cluster and Flink");
    try (ProcessServers servers =
        ProcessServers.start(directory, ServerSettings.of(arguments, partitions, FLINK))) {
      SubmittedJob job = servers.submit(options, parallelism, Optional.empty());
      progress.print("Flink's web UI: " + servers.flink().address());
      progress.print("Kafka:          " + servers.bootstrapServers());
      progress.print("Redis Cluster:  " + servers.redisUri());
      progress.print("Checkpoints:    " + servers.flink().checkpoints());
      progress.print("Savepoints:     " + servers.flink().savepoints());
      progress.print("Logs:           " + directory.logs());
      progress.print("Ctrl-C stops everything.");
      watch(job, servers, progress);
    }
  }

  /** Ends only with an exception: the job has failed, or the job manager is gone. */
  private static void watch(SubmittedJob job, ProcessServers servers, ProgressLine progress) {
    while (true) {
      progress.show(
          String.format(
              Locale.ROOT,
              "job %s %s | task managers %d",
              job.jobId(),
              job.state(),
              servers.rest().taskManagers()));
      Await.millis(POLL_MILLIS);
    }
  }
}
