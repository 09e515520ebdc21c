package io.spanfold.local.flink;

import io.spanfold.local.cli.FailedRunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The job, submitted as a jar over Flink's REST interface. Thread-safe. */
public final class SubmittedJob {

  private static final Set<String> FAILED = Set.of("FAILED", "CANCELED", "SUSPENDED");
  private static final String CHECKPOINT = "chk-";

  private final FlinkRestClient rest;
  private final String jobId;

  private SubmittedJob(FlinkRestClient rest, String jobId) {
    this.rest = rest;
    this.jobId = jobId;
  }

  /**
   * Uploads the job's jar and runs it.
   *
   * @param restoreFrom a savepoint or retained checkpoint; empty for none
   * @throws FailedRunException if the job refuses its options; the message is the job's own
   */
  public static SubmittedJob submit(
      FlinkRestClient rest, JobOptions options, int parallelism, Optional<String> restoreFrom) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("programArgsList", options.toArguments());
    settings.put("parallelism", parallelism);
    restoreFrom.ifPresent(path -> settings.put("savepointPath", path));
    return new SubmittedJob(rest, rest.runJar(rest.uploadJar(jar()), settings));
  }

  /** Returns the job's jar, which the start script or the test names. */
  public static Path jar() {
    String path = System.getProperty("spanfold.job.jar");
    if (path == null) {
      throw new FailedRunException(
          "the system property spanfold.job.jar names no jar; start with deploy/local.sh");
    }
    return Path.of(path);
  }

  public String jobId() {
    return jobId;
  }

  /**
   * Returns Flink's name of the job's state.
   *
   * @throws FailedRunException if the job has failed; the message is the reason
   */
  public String state() {
    String state = rest.jobState(jobId);
    if (FAILED.contains(state)) {
      String cause = rest.failure(jobId);
      throw new FailedRunException("the job is " + state + (cause.isEmpty() ? "" : ": " + cause));
    }
    return state;
  }

  /**
   * Returns whether the job has finished successfully.
   *
   * @throws FailedRunException if it has failed; the message is the reason
   */
  public boolean isFinished() {
    return state().equals("FINISHED");
  }

  /**
   * Finds the newest complete checkpoint of a job without asking Flink.
   *
   * @param checkpoints the directory of all jobs' checkpoints
   */
  public static Optional<Path> newestCheckpoint(Path checkpoints, String jobId) {
    Path home = checkpoints.resolve(jobId);
    if (!Files.isDirectory(home)) {
      return Optional.empty();
    }
    try (Stream<Path> all = Files.list(home)) {
      return all.filter(path -> path.getFileName().toString().startsWith(CHECKPOINT))
          .filter(path -> Files.exists(path.resolve("_metadata")))
          .max(Comparator.comparingLong(SubmittedJob::checkpointId));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look for checkpoints in " + home, e);
    }
  }

  private static long checkpointId(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().substring(CHECKPOINT.length()));
  }
}
