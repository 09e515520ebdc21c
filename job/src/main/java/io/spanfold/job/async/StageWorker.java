package io.spanfold.job.async;

import java.util.List;

/**
 * Works on elements in a thread of its own, where it may block. Confined to that thread.
 *
 * @param <IN> the elements
 * @param <OUT> what they turn into
 */
public interface StageWorker<IN, OUT> extends AutoCloseable {

  /**
   * Works on some elements at once, and completes each. An exception fails the task; what is not
   * completed is worked on again after the restart.
   */
  void process(List<StageTask<IN, OUT>> tasks) throws Exception;

  @Override
  void close();
}
