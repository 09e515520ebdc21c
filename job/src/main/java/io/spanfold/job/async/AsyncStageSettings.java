package io.spanfold.job.async;

import java.io.Serializable;
import java.time.Duration;

/** The bounds of a stage, for each of its subtasks. An unset bound does not limit. */
public final class AsyncStageSettings implements Serializable {

  private static final long serialVersionUID = 1L;

  final boolean ordered;
  final int workers;
  long maxWaiting = Long.MAX_VALUE;
  long maxActive = Long.MAX_VALUE;
  int maxBatch = 1;
  Duration barrierWait = Duration.ZERO;
  Duration stallTimeout = Duration.ZERO;

  private AsyncStageSettings(boolean ordered, int workers) {
    this.ordered = ordered;
    this.workers = workers;
  }

  /** Settings of a stage that emits results in the order of their elements. */
  public static AsyncStageSettings ordered(int workers) {
    return new AsyncStageSettings(true, workers);
  }

  /** Settings of a stage that emits results as they complete. */
  public static AsyncStageSettings unordered(int workers) {
    return new AsyncStageSettings(false, workers);
  }

  /** Sets the total waiting cost of all elements above which the stage slows down its input. */
  public AsyncStageSettings maxWaiting(long cost) {
    maxWaiting = cost;
    return this;
  }

  /**
   * Sets the total active cost of the elements that workers hold, or whose results are not emitted
   * yet. It is at least 1, and values above 2,147,483,647 count as that. An element that costs more
   * is processed alone.
   */
  public AsyncStageSettings maxActive(long cost) {
    maxActive = cost;
    return this;
  }

  /** Sets how many elements a worker gets at once; one by default. */
  public AsyncStageSettings maxBatch(int elements) {
    maxBatch = elements;
    return this;
  }

  /**
   * Sets how long a barrier waits for the elements before it to complete, so that they need not go
   * into the checkpoint.
   */
  public AsyncStageSettings barrierWait(Duration wait) {
    barrierWait = wait;
    return this;
  }

  /**
   * Sets the time without a completed element after which the task fails, if there are elements. It
   * must be longer than a worker may take for one element, retries included.
   */
  public AsyncStageSettings stallTimeout(Duration timeout) {
    stallTimeout = timeout;
    return this;
  }
}
