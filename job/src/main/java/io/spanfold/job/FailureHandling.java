package io.spanfold.job;

import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.RestartStrategyOptions.RestartStrategyType;

/** How the job takes failures where Flink's configuration does not say. */
public final class FailureHandling {

  private static final Duration FIRST_BACKOFF = Duration.ofSeconds(1);
  private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(1);

  /** After so long without a failure the next one counts as the first. */
  private static final Duration QUIET = Duration.ofMinutes(10);

  /** With the back-off, about half an hour: what does not pass by then is for people to look at. */
  private static final int RESTARTS_IN_A_ROW = 30;

  /**
   * A checkpoint storage that is away does not come back sooner by a restart, which would cost all
   * that was read since.
   */
  private static final int FAILED_CHECKPOINTS_IN_A_ROW = 10;

  private FailureHandling() {}

  /**
   * Completes the configuration of a job.
   *
   * @param given what the cluster and the user have set
   * @param ours takes what they have not
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
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_RESET_BACKOFF_THRESHOLD, QUIET);
      ours.set(
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS, RESTARTS_IN_A_ROW);
    }
    if (given.getOptional(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER).isEmpty()) {
      ours.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, FAILED_CHECKPOINTS_IN_A_ROW);
    }
  }
}
