package io.spanfold.lease;

import java.util.Map;
import org.apache.flink.metrics.MetricGroup;

/**
 * Which start of which job a task belongs to. All tasks of a start have the same: the pipeline is
 * one region, so Flink starts all of it together.
 *
 * @param job the job's id
 * @param run the id of the execution graph: another one after a failover of the job manager, and
 *     with the adaptive scheduler after each restart
 * @param number of the attempt in this run, from 0
 */
record TaskAttempt(String job, String run, int number) {

  private static final int RUN_DIGITS = 32;

  /**
   * Reads it from the variables of a task's metrics: the one place where an operator and a
   * committer both find it.
   *
   * @throws IllegalStateException where it is not there, as outside of a task
   */
  static TaskAttempt of(MetricGroup metrics) {
    Map<String, String> variables = metrics.getAllVariables();
    String job = variables.get("<job_id>");
    // The ids of the execution graph, of the vertex and of the subtask, and the attempt's number.
    String attempt = variables.get("<task_attempt_id>");
    String number = variables.get("<task_attempt_num>");
    if (job == null || number == null || attempt == null || attempt.length() < RUN_DIGITS) {
      throw new IllegalStateException(
          "the metrics of this task do not tell its attempt, by which the lease of the buffer is"
              + " taken; they have "
              + variables.keySet());
    }
    return new TaskAttempt(job, attempt.substring(0, RUN_DIGITS), Integer.parseInt(number));
  }
}
