package io.spanfold.job.async;

import java.io.Serializable;
import java.util.List;
import java.util.function.Supplier;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.metrics.MetricGroup;

/**
 * The processing of an {@link AsyncStageOperator}'s elements, and their cost.
 *
 * <p>A function that has state besides the elements is also a {@link
 * org.apache.flink.streaming.api.checkpoint.CheckpointedFunction}. It is called by the Flink task's
 * thread: before the first worker is opened, and for each checkpoint before the elements in flight
 * are looked at.
 *
 * @param <IN> the elements
 * @param <OUT> their results
 */
public interface AsyncStageFunction<IN, OUT> extends Serializable {

  /**
   * Processes elements in a thread of its own, where it may block. Confined to that thread.
   *
   * @param <IN> the elements
   * @param <OUT> their results
   */
  interface Worker<IN, OUT> extends AutoCloseable {

    /**
     * Processes some elements together, and completes each. An exception fails the Flink task;
     * elements that are not completed are processed again after the restart.
     *
     * <p>What is completed in the worker's thread is emitted together, after this has returned. So
     * do not wait between two completions, least of all for what the first one leads to.
     */
    void process(List<Task<IN, OUT>> tasks) throws Exception;

    /**
     * Returns whether it waits for something outside of the job, for as long as that takes. Then
     * the stage has not stalled. Called by the Flink task's thread.
     */
    default boolean isWaiting() {
      return false;
    }

    @Override
    void close();
  }

  /**
   * An element that a worker processes.
   *
   * @param <IN> the element
   * @param <OUT> its results
   */
  interface Task<IN, OUT> {

    IN input();

    /**
     * Replaces the element, with the same meaning: from the next checkpoint on it is kept like
     * this. Called by the worker's thread before the element is completed.
     */
    void replace(IN input);

    /** Completes the element with all its results. Called once, by any thread. */
    void complete(List<OUT> results);
  }

  /**
   * Makes a worker. Called once in each of the stage's threads.
   *
   * @param metrics the worker's own metrics
   * @param task the Flink task
   */
  Worker<IN, OUT> open(MetricGroup metrics, TaskInfo task) throws Exception;

  /**
   * Registers metrics of the stage as a whole.
   *
   * @param metrics the stage's metrics
   * @param oldest returns the element that has been in the stage for longest, or null if there is
   *     none; safe for any thread
   */
  default void register(MetricGroup metrics, Supplier<IN> oldest) {}

  /** Returns the cost of {@code element} against {@link AsyncStageSettings#maxWaiting}. */
  long waitingCost(IN element);

  /** Returns the cost of {@code element} against {@link AsyncStageSettings#maxActive}. */
  long activeCost(IN element);

  /**
   * Returns whether watermarks may now overtake the elements in the stage, because those wait for
   * something that happens only as time advances. Called by the Flink task's thread.
   */
  default boolean mayBeOvertaken() {
    return false;
  }

  /** Returns a number that is equal for elements that must be processed one after another. */
  int orderingKey(IN element);
}
