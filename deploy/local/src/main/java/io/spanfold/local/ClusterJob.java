package io.spanfold.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** The job on a cluster of processes, through stops, restores and lost job managers. */
final class ClusterJob {

  private static final Duration STOP_TIMEOUT = Duration.ofMinutes(3);
  private static final String PHASE = "rollout.phase";
  private static final String CHECKPOINT = "chk-";

  private final ClusterServers servers;
  private final JobOptions options;
  private final FlinkRest rest;
  private JobSubmission submission;
  private int parallelism;
  private Optional<String> restoredFrom = Optional.empty();

  private ClusterJob(ClusterServers servers, JobOptions options, int parallelism) {
    this.servers = servers;
    this.options = options;
    this.rest = new FlinkRest(servers.flink().address());
    this.parallelism = parallelism;
  }

  /**
   * Submits the job. Its options must say in which rollout phase it is.
   *
   * @throws FailedRunException where it is refused
   */
  static ClusterJob submit(ClusterServers servers, JobOptions options, int parallelism) {
    ClusterJob job = new ClusterJob(servers, options, parallelism);
    job.submission = servers.submit(options, parallelism, Optional.empty());
    return job;
  }

  int parallelism() {
    return parallelism;
  }

  /** Returns the rollout phase, as it is written in the job's options. */
  String phase() {
    return options.toMap().get(PHASE);
  }

  /** Submits it again to a new job manager, from the last checkpoint that is on disk. */
  void resubmit() {
    restoredFrom = lastCheckpoint().or(() -> restoredFrom);
    submission = servers.submit(options, parallelism, restoredFrom);
  }

  /**
   * Stops it with a savepoint and lets it go on from that.
   *
   * @throws FailedRunException where no savepoint comes about, or the job has failed
   */
  void rescale(int newParallelism) {
    restoredFrom = Optional.of(stop(false));
    parallelism = newParallelism;
    submission = servers.submit(options, parallelism, restoredFrom);
  }

  /**
   * Stops it with a savepoint and lets it go on from that in another rollout phase.
   *
   * @throws FailedRunException where no savepoint comes about, or the job has failed
   */
  void changePhase(String newPhase) {
    restoredFrom = Optional.of(stop(false));
    options.set(PHASE, newPhase);
    submission = servers.submit(options, parallelism, restoredFrom);
  }

  /**
   * Stops it with a savepoint, whose place is returned. Tries until it meets no restart.
   *
   * @param drain whether all deadlines pass before it
   */
  String stop(boolean drain) {
    long end = System.nanoTime() + STOP_TIMEOUT.toNanos();
    while (true) {
      Pause.until(this::runs, STOP_TIMEOUT);
      try {
        return rest.stopWithSavepoint(submission.jobId(), servers.flink().savepoints(), drain);
      } catch (FailedRunException e) {
        submission.state();
        if (System.nanoTime() > end) {
          throw e;
        }
        Pause.millis(500);
      }
    }
  }

  /**
   * Returns whether all of its tasks run; false also while the job manager does not answer.
   *
   * @throws FailedRunException where the job has failed for good
   */
  boolean runs() {
    return answered(() -> rest.isWhollyRunning(submission.jobId())) || failed();
  }

  /** Returns whether it has completed a checkpoint that began at this time or later. */
  boolean hasCheckpointSince(long millis) {
    return answered(() -> rest.lastCheckpointMillis(submission.jobId()) >= millis);
  }

  private static boolean answered(BooleanSupplier question) {
    try {
      return question.getAsBoolean();
    } catch (FailedRunException e) {
      return false;
    }
  }

  /** Throws where it has failed for good; an unanswered question is no failure. */
  private boolean failed() {
    String state;
    try {
      state = rest.jobState(submission.jobId());
    } catch (FailedRunException e) {
      return false;
    }
    if (state.equals("FAILED")) {
      submission.state();
    }
    return false;
  }

  private Optional<String> lastCheckpoint() {
    Path home = servers.flink().checkpoints().resolve(submission.jobId());
    if (!Files.isDirectory(home)) {
      return Optional.empty();
    }
    try (Stream<Path> checkpoints = Files.list(home)) {
      return checkpoints
          .filter(path -> path.getFileName().toString().startsWith(CHECKPOINT))
          .filter(path -> Files.exists(path.resolve("_metadata")))
          .max(Comparator.comparingLong(ClusterJob::number))
          .map(path -> path.toUri().toString());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look for checkpoints in " + home, e);
    }
  }

  private static long number(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().substring(CHECKPOINT.length()));
  }
}
