package io.spanfold.job;

import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.RestartStrategyOptions.RestartStrategyType;

/** How the job handles failures unless Flink's configuration says otherwise. */
public final class FailureHandling {

  private static final Duration FIRST_BACKOFF = Duration.ofSeconds(1);
  private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(1);

  /** After this time without a failure, the back-off is reset. */
  private static final Duration RESET = Duration.ofMinutes(10);

  /** With the back-off about half an hour. A longer failure needs an operator. */
  private static final int MAX_RESTARTS = 30;

  /**
   * A restart does not bring back a checkpoint storage that is unavailable, and repeats all work
   * since the last checkpoint.
   */
  private static final int TOLERABLE_FAILED_CHECKPOINTS = 10;

  private FailureHandling() {}

  /**
   * Completes the configuration of a job.
   *
   * @param given the configuration of the cluster and the user
   * @param ours receives the settings that they lack
   */
  public static void configure(ReadableConfig given, Configuration ours) {
    if (given.getOptional(RestartStrategyOptions.RESTART_STRATEGY).isEmpty()) {
      ours.set(
          RestartStrategyOptions.RESTART_STRATEGY,
          RestartStrategyType.EXPONENTIAL_DELAY.getMainValue());
      ours.set(
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF, FIRST_BACKOFF);
      ours.set(
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, LONGEST_BACKOFF);
      ours.set(
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_RESET_BACKOFF_THRESHOLD, RESET);
      ours.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS, MAX_RESTARTS);
    }
    if (given.getOptional(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION).isEmpty()) {
      // Flink's default deletes the last checkpoint of a job that fails permanently, and with it
      // the only record of what is buffered.
      ours.set(
          CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
          ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    }
    if (given.getOptional(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER).isEmpty()) {
      ours.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, TOLERABLE_FAILED_CHECKPOINTS);
    }
  }
}
