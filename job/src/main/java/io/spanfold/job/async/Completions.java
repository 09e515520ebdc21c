package io.spanfold.job.async;

import io.spanfold.job.async.QueueEntry.Element;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;

/**
 * Completed elements on their way from the workers to the Flink task's thread. The task's thread is
 * notified once, however many elements come until it takes them: a wake-up costs more than an
 * element.
 *
 * <p>Thread-safe.
 */
final class Completions<IN, OUT> {

  private final Runnable tell;
  private final Queue<Element<IN, OUT>> elements = new ArrayDeque<>();
  private boolean notified;

  /**
   * @param tell asks the task's thread to take elements; called by the thread that completed them
   */
  Completions(Runnable tell) {
    this.tell = tell;
  }

  void add(Collection<Element<IN, OUT>> completed) {
    synchronized (this) {
      elements.addAll(completed);
      if (notified || elements.isEmpty()) {
        return;
      }
      notified = true;
    }
    tell.run();
  }

  /**
   * Takes the oldest elements. If there are more, the task's thread is notified again, so that
   * other mail gets its turn.
   */
  List<Element<IN, OUT>> take(int atMost) {
    List<Element<IN, OUT>> taken = new ArrayList<>();
    synchronized (this) {
      while (taken.size() < atMost && !elements.isEmpty()) {
        taken.add(elements.remove());
      }
      notified = !elements.isEmpty();
      if (!notified) {
        return taken;
      }
    }
    tell.run();
    return taken;
  }
}
