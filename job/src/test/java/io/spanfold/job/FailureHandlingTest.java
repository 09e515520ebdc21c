package io.spanfold.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.junit.jupiter.api.Test;

class FailureHandlingTest {

  private final Configuration given = new Configuration();
  private final Configuration ours = new Configuration();

  @Test
  void restartsAreBoundedAndFailedCheckpointsTolerated() {
    FailureHandling.configure(given, ours);

    assertThat(ours.get(RestartStrategyOptions.RESTART_STRATEGY)).isEqualTo("exponential-delay");
    assertThat(ours.get(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_ATTEMPTS))
        .isBetween(10, 100);
    assertThat(ours.get(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER)).isPositive();
  }

  @Test
  void aJobThatFailsPermanentlyOrIsCancelledLeavesItsLastCheckpoint() {
    FailureHandling.configure(given, ours);

    assertThat(ours.get(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION))
        .isEqualTo(ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
  }

  @Test
  void keepsTheUsersSettings() {
    given.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    given.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 0);
    given.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.NO_EXTERNALIZED_CHECKPOINTS);

    FailureHandling.configure(given, ours);

    assertThat(ours.toMap()).isEmpty();
  }
}
