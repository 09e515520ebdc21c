package io.spanfold.job.async;

import java.io.Serializable;
import java.util.function.Supplier;
import org.apache.flink.metrics.MetricGroup;

/**
 * What a {@link AsyncStageOperator} does with its elements, and what they cost.
 *
 * @param <IN> the elements
 * @param <OUT> what they turn into
 */
public interface AsyncStageFunction<IN, OUT> extends Serializable {

  /**
   * Makes a worker. Called once for each of the stage's threads, in that thread.
   *
   * @param metrics the worker's own metrics
   */
  StageWorker<IN, OUT> open(MetricGroup metrics) throws Exception;

  /**
   * Registers what the stage as a whole tells.
   *
   * @param metrics the stage's metrics
   * @param oldest gives the element that has been in the stage for longest, or null where there is
   *     none; for any thread
   */
  default void register(MetricGroup metrics, Supplier<IN> oldest) {}

  /**
   * Returns what it costs to hold {@code element} while it waits, in the unit of {@link
   * AsyncStageSettings#maxWaiting}.
   */
  long waitingCost(IN element);

  /**
   * Returns what it costs to work on {@code element}, in the unit of {@link
   * AsyncStageSettings#maxActive}.
   */
  long activeCost(IN element);

  /**
   * Returns whether watermarks may overtake the elements in the stage at present, as those wait for
   * what comes of it when time goes on. Asked by the task's thread.
   */
  default boolean mayBeOvertaken() {
    return false;
  }

  /** Returns a number that is equal for elements which must be worked on one after another. */
  int orderingKey(IN element);
}
