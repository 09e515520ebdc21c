package io.spanfold.local;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Runs the job on processes of its own until it is stopped; nothing is played. */
final class Cluster implements Command {

  private static final int DEFAULT_PARTITIONS = 4;
  private static final int DEFAULT_PARALLELISM = 2;

  /** Slots of the two task managers. */
  private static final int MOST_PARALLELISM = 8;

  private static final int MOST_PARTITIONS = 128;
  private static final long POLL_MILLIS = 1_000;

  private static final Map<String, String> FLINK = Map.of("execution.checkpointing.interval", "5s");

  private final RunDirectory directory;

  Cluster(RunDirectory directory) {
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
        Starts each as processes of its own: a Kafka broker, a Redis Cluster of three masters of
        which two have a replica, a Flink job manager and two task managers; submits the job, and
        runs until Ctrl-C. Checkpoints and savepoints are on disk as long as it runs.
        --partitions N       of the source topic (%d)
        --parallelism N      of the job (%d)
        --kafka-port PORT, --web-port PORT   free ones unless given
    """
        .formatted(DEFAULT_PARTITIONS, DEFAULT_PARALLELISM);
  }

  @Override
  public void run(List<String> given) {
    Arguments arguments =
        Arguments.parse(given, Set.of("partitions", "parallelism", "kafka-port", "web-port"));
    int partitions = arguments.number("partitions", DEFAULT_PARTITIONS, 1, MOST_PARTITIONS);
    int parallelism = arguments.number("parallelism", DEFAULT_PARALLELISM, 1, MOST_PARALLELISM);
    JobOptions options = new JobOptions(arguments.jobOptions());
    ProgressLine progress = new ProgressLine(Duration.ofSeconds(60));
    progress.print("starting Kafka, a Redis Cluster and Flink");
    ClusterServers.Settings settings =
        new ClusterServers.Settings(
            partitions, arguments.port("kafka-port"), arguments.port("web-port"), FLINK);
    try (ClusterServers servers = ClusterServers.start(directory, settings)) {
      JobSubmission job = servers.submit(options, parallelism, Optional.empty());
      progress.print("Flink's web UI: " + servers.flink().address());
      progress.print("Kafka:          " + servers.broker().bootstrapServers());
      progress.print("Redis Cluster:  " + servers.redisUri());
      progress.print("Checkpoints:    " + servers.flink().checkpoints());
      progress.print("Savepoints:     " + servers.flink().savepoints());
      progress.print("Logs:           " + directory.logs());
      progress.print("Ctrl-C stops everything.");
      watch(job, new FlinkRest(servers.flink().address()), progress);
    }
  }

  /** Returns only by an exception: a job that has failed, or a job manager that is gone. */
  private static void watch(JobSubmission job, FlinkRest rest, ProgressLine progress) {
    while (true) {
      progress.show(
          String.format(
              Locale.ROOT,
              "job %s %s | task managers %d",
              job.jobId(),
              job.state(),
              rest.taskManagers()));
      Pause.millis(POLL_MILLIS);
    }
  }
}
