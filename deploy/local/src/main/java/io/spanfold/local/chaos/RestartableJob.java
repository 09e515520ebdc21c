package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.flink.FlinkRestClient;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.servers.ProcessServers;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** The job through savepoints, restores and lost job managers. For use by one thread. */
final class RestartableJob {

  private static final Duration STOP_TIMEOUT = Duration.ofMinutes(3);
  private static final String PHASE = "rollout.phase";

  private final ProcessServers servers;
  private final JobOptions options;
  private final FlinkRestClient rest;
  private SubmittedJob submitted;
  private int parallelism;
  private Optional<String> restoredFrom = Optional.empty();

  private RestartableJob(ProcessServers servers, JobOptions options, int parallelism) {
    this.servers = servers;
    this.options = options;
    this.rest = servers.rest();
    this.parallelism = parallelism;
  }

  /**
   * Submits the job.
   *
   * @param options include the rollout phase
   * @throws FailedRunException if the job refuses its options
   */
  static RestartableJob submit(ProcessServers servers, JobOptions options, int parallelism) {
    RestartableJob job = new RestartableJob(servers, options, parallelism);
    job.submit();
    return job;
  }

  private void submit() {
    submitted = servers.submit(options, parallelism, restoredFrom);
  }

  int parallelism() {
    return parallelism;
  }

  /** Returns the rollout phase as it is written in the job's options. */
  String phase() {
    return options.toMap().get(PHASE);
  }

  /** Submits it to a new job manager, with the newest checkpoint on disk. */
  void resubmit() {
    restoredFrom =
        SubmittedJob.newestCheckpoint(servers.flink().checkpoints(), submitted.jobId())
            .map(path -> path.toUri().toString())
            .or(() -> restoredFrom);
    submit();
  }

  /**
   * Restarts it from a savepoint with another parallelism.
   *
   * @throws FailedRunException if no savepoint is completed, or the job has failed
   */
  void rescale(int newParallelism) {
    restart(() -> parallelism = newParallelism);
  }

  /**
   * Restarts it from a savepoint in another rollout phase.
   *
   * @throws FailedRunException if no savepoint is completed, or the job has failed
   */
  void changePhase(String newPhase) {
    restart(() -> options.set(PHASE, newPhase));
  }

  /**
   * Restarts it from a savepoint, and calls {@code meanwhile} while it is down.
   *
   * @throws FailedRunException if no savepoint is completed, or the job has failed
   */
  void restart(Runnable meanwhile) {
    restoredFrom = Optional.of(stop(false));
    meanwhile.run();
    submit();
  }

  /**
   * Stops it with a savepoint and returns the savepoint's location. Retries while the job restarts.
   *
   * @param drain whether all event-time timers fire before
   * @throws FailedRunException if no savepoint is completed within 3 min, or the job has failed
   */
  String stop(boolean drain) {
    long end = System.nanoTime() + STOP_TIMEOUT.toNanos();
    while (true) {
      Await.until(this::isRunning, STOP_TIMEOUT);
      try {
        return rest.stopWithSavepoint(submitted.jobId(), servers.flink().savepoints(), drain);
      } catch (FailedRunException e) {
        submitted.state();
        if (System.nanoTime() > end) {
          throw e;
        }
        Await.millis(500);
      }
    }
  }

  /**
   * Returns whether all tasks run; false while the job manager does not answer.
   *
   * @throws FailedRunException if the job has failed
   */
  boolean isRunning() {
    if (holds(() -> rest.isFullyRunning(submitted.jobId()))) {
      return true;
    }
    if (holds(() -> rest.jobState(submitted.jobId()).equals("FAILED"))) {
      submitted.state();
    }
    return false;
  }

  /** Returns whether a checkpoint that was triggered since a time in epoch ms is complete. */
  boolean hasCheckpointSince(long millis) {
    return holds(() -> rest.lastCheckpointMillis(submitted.jobId()) >= millis);
  }

  private static boolean holds(BooleanSupplier condition) {
    try {
      return condition.getAsBoolean();
    } catch (FailedRunException e) {
      return false;
    }
  }
}
