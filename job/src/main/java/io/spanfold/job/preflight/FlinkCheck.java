package io.spanfold.job.preflight;

import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTS_DIRECTORY;
import static org.apache.flink.configuration.CheckpointingOptions.ENABLE_CHECKPOINTS_AFTER_TASKS_FINISH;

import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.util.TimeUtils;

/**
 * Checks that no setting of Flink breaks a promise of the job. It asks no server, so it is part of
 * every submission.
 *
 * <p>It sees the settings that go with the job: those of the submission, and of Flink's
 * configuration file where the job is submitted. A job takes all settings in {@link #RULES} from
 * there; those of the cluster's processes do not count.
 */
final class FlinkCheck {

  /**
   * A setting of which only some values keep the promises.
   *
   * @param otherwise what happens with any other value
   * @param remedy what to set instead
   */
  record Rule<T>(ConfigOption<T> option, Predicate<T> keeps, String otherwise, String remedy) {

    private void check(ReadableConfig flink, CheckReport report) {
      T value = flink.get(option);
      // A setting without a default may be absent.
      if (value != null && !keeps.test(value)) {
        Object shown =
            value instanceof Duration time ? TimeUtils.formatWithHighestUnit(time) : value;
        report.problem("%s is %s, %s; %s.".formatted(option.key(), shown, otherwise, remedy));
      }
    }
  }

  /** A task whose clock is not read for longer counts as stalled. */
  private static final Duration MAX_CLOCK_INTERVAL = Duration.ofSeconds(1);

  static final List<Rule<?>> RULES =
      List.of(
          new Rule<>(
              ExecutionOptions.RUNTIME_MODE,
              mode -> mode == RuntimeExecutionMode.STREAMING,
              "but the job commits with checkpoints, which a batch job does not take",
              "set it to STREAMING, also for a bounded source"),
          new Rule<>(
              CHECKPOINTING_CONSISTENCY_MODE,
              mode -> mode == CheckpointingMode.EXACTLY_ONCE,
              "so a restored state would hold spans that are read again",
              "set it to EXACTLY_ONCE; sink.delivery-guarantee has at-least-once delivery"),
          new Rule<>(
              ENABLE_CHECKPOINTS_AFTER_TASKS_FINISH,
              enabled -> enabled,
              "so the last transactions of a bounded source would not be committed",
              "set it to true"),
          new Rule<>(
              PipelineOptions.OPERATOR_CHAINING,
              enabled -> enabled,
              "but the source shares what it knows with Parse and Adopt within one task, and a committer with its writer",
              "set it to true"),
          new Rule<>(
              PipelineOptions.AUTO_WATERMARK_INTERVAL,
              interval -> interval.toMillis() > 0 && interval.compareTo(MAX_CLOCK_INTERVAL) <= 0,
              "but record time advances only when it is read, once a second at least",
              "leave it out"),
          new Rule<>(
              StateRecoveryOptions.APPROXIMATE_LOCAL_RECOVERY,
              enabled -> !enabled,
              "so a failed task would lose spans",
              "set it to false"),
          new Rule<>(
              StateRecoveryOptions.CHECKPOINT_ID_OF_IGNORED_IN_FLIGHT_DATA,
              checkpoint -> checkpoint < 0,
              "so the spans in the network buffers of that checkpoint would be lost",
              "leave it out"));

  private final ReadableConfig flink;
  private final CheckReport report;

  FlinkCheck(ReadableConfig flink, CheckReport report) {
    this.flink = flink;
    this.report = report;
  }

  void run() {
    RULES.forEach(rule -> rule.check(flink, report));
    if (flink.getOptional(CHECKPOINTS_DIRECTORY).isEmpty()) {
      // Only a warning: the cluster may have a directory that is not known here.
      report.warning(
          "%s is not set here; unless the cluster sets it, checkpoints are in the memory of the job manager, where they must be small and are lost with it; set it to a directory that all processes reach."
              .formatted(CHECKPOINTS_DIRECTORY.key()));
    }
  }
}
