package io.spanfold.job.async;

import java.util.List;

/**
 * One element that is being worked on.
 *
 * @param <IN> the element
 * @param <OUT> what it turns into
 */
public interface StageTask<IN, OUT> {

  /** Returns the element. */
  IN input();

  /** Hands over what became of the element: all of it, once. */
  void complete(List<OUT> results);
}
