package io.spanfold.job.async;

import java.io.Serializable;

/**
 * The bounds of a stage, for each of its subtasks.
 *
 * @param ordered whether results leave in the order of their elements, not as they come
 * @param workers how many threads work
 * @param maxWaiting what all elements in the stage may cost together before its input is slowed
 *     down
 * @param maxActive what all elements that are worked on, or whose results wait to leave, may cost
 *     together; one element may always be worked on, whatever it costs
 * @param maxBatch how many elements a worker is given at once at the most
 * @param barrierWaitMillis how long a barrier waits for the elements before it to be done, so that
 *     they need not go into the checkpoint
 * @param maxStallMillis how long the stage may have elements and finish none before its task fails;
 *     longer than the longest that a worker may take for one, retries included; 0 for no bound
 */
public record AsyncStageSettings(
    boolean ordered,
    int workers,
    long maxWaiting,
    long maxActive,
    int maxBatch,
    long barrierWaitMillis,
    long maxStallMillis)
    implements Serializable {

  /** Refuses settings under which a stage could come to stand still. */
  public AsyncStageSettings {
    if (ordered && workers > 1 && maxActive != Long.MAX_VALUE) {
      // Results behind the head keep their share of maxActive, and the head may wait for it.
      throw new IllegalArgumentException(
          "an ordered stage of several workers cannot bound what is active; bound what waits");
    }
  }
}
