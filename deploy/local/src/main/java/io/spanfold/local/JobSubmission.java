package io.spanfold.local;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** The job, submitted as its jar the way a cluster gets it. Thread-safe. */
final class JobSubmission {

  private static final Set<String> FAILED = Set.of("FAILED", "CANCELED", "SUSPENDED");

  private final FlinkRest rest;
  private final String jobId;

  private JobSubmission(FlinkRest rest, String jobId) {
    this.rest = rest;
    this.jobId = jobId;
  }

  /**
   * Uploads the jar and runs it.
   *
   * @throws FailedRunException where the job refuses its options; the message is the job's own
   */
  static JobSubmission submit(FlinkRest rest, Path jar, JobOptions options, int parallelism) {
    return submit(rest, jar, options, parallelism, Optional.empty());
  }

  /** Does the same, and lets the job go on from a savepoint or retained checkpoint. */
  static JobSubmission submit(
      FlinkRest rest, Path jar, JobOptions options, int parallelism, Optional<String> restoreFrom) {
    String jarId = rest.uploadJar(jar);
    return new JobSubmission(rest, rest.runJar(jarId, options, parallelism, restoreFrom));
  }

  /** Returns where the job's jar is, as the start script or the test says. */
  static Path jar() {
    String path = System.getProperty("spanfold.job.jar");
    if (path == null) {
      throw new FailedRunException(
          "the system property spanfold.job.jar names no jar; start with deploy/local.sh");
    }
    return Path.of(path);
  }

  String jobId() {
    return jobId;
  }

  /**
   * Returns the job's state, in Flink's words.
   *
   * @throws FailedRunException where the job has failed; the message is the reason
   */
  String state() {
    String state = rest.jobState(jobId);
    if (FAILED.contains(state)) {
      String cause = rest.failure(jobId);
      throw new FailedRunException("the job is " + state + (cause.isEmpty() ? "" : ": " + cause));
    }
    return state;
  }

  /**
   * Returns whether the job has ended well.
   *
   * @throws FailedRunException where it has failed; the message is the reason
   */
  boolean isFinished() {
    return state().equals("FINISHED");
  }
}
