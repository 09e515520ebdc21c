package io.spanfold.job.resource;

import org.apache.flink.metrics.MetricGroup;

/** The attempt of a task, by which the operators that run in it find what they share. */
public final class TaskAttempt {

  private TaskAttempt() {}

  /**
   * Returns what identifies the attempt of the task that {@code metrics} belong to, also among
   * those of other runs of the job. Read from the variables of the metrics, which sources,
   * operators, writers and committers have alike.
   */
  public static String id(MetricGroup metrics) {
    return metrics.getAllVariables().getOrDefault("<task_attempt_id>", "none");
  }
}
