package io.spanfold.job.lease;

import java.util.Map;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;

/** The metrics of a task, with the variables that identify its attempt. */
public final class TaskMetrics extends UnregisteredMetricsGroup {

  private final Map<String, String> variables;

  private TaskMetrics(Map<String, String> variables) {
    this.variables = variables;
  }

  /** Returns the metrics of a task of a job's attempt, in a run that is named by one digit. */
  public static MetricGroup of(String job, String runDigit, int attempt) {
    return new TaskMetrics(
        Map.of(
            "<job_id>",
            job,
            "<task_attempt_id>",
            runDigit.repeat(32) + "_" + "f".repeat(32) + "_0_" + attempt,
            "<task_attempt_num>",
            Integer.toString(attempt)));
  }

  @Override
  public Map<String, String> getAllVariables() {
    return variables;
  }
}
