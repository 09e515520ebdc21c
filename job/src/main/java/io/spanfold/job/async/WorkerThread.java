package io.spanfold.job.async;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread with a queue of its own and a worker that it alone uses. Elements that are queued here
 * are worked on in their order.
 */
final class WorkerThread<IN, OUT> {

  private static final Logger LOG = LoggerFactory.getLogger(WorkerThread.class);

  private static final long JOIN_MILLIS = 5_000;

  private final AsyncStageFunction<IN, OUT> function;
  private final MetricGroup metrics;
  private final Budget active;
  private final int maxBatch;
  private final Completion<IN, OUT> completion;
  private final Consumer<Throwable> failure;
  private final BlockingQueue<QueueEntry.Element<IN, OUT>> queue = new LinkedBlockingQueue<>();
  private final Thread thread;

  /** Is told, in the worker's thread, what became of an element. */
  interface Completion<IN, OUT> {
    void completed(QueueEntry.Element<IN, OUT> element, List<OUT> results);
  }

  WorkerThread(
      String name,
      AsyncStageFunction<IN, OUT> function,
      MetricGroup metrics,
      Budget active,
      int maxBatch,
      Completion<IN, OUT> completion,
      Consumer<Throwable> failure) {
    this.function = function;
    this.metrics = metrics;
    this.active = active;
    this.maxBatch = maxBatch;
    this.completion = completion;
    this.failure = failure;
    thread = new Thread(this::run, name);
    thread.setDaemon(true);
    // Flink finds the job's classes, and the native library among them, by the task's class loader.
    thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
  }

  void start() {
    thread.start();
  }

  void enqueue(QueueEntry.Element<IN, OUT> element) {
    queue.add(element);
  }

  void interrupt() {
    thread.interrupt();
  }

  /** Waits for the end of an interrupted thread, but not for ever. */
  void join() throws InterruptedException {
    thread.join(JOIN_MILLIS);
  }

  /** Returns what the thread is at, for a log. */
  String stack() {
    return thread.getName()
        + " ("
        + thread.getState()
        + ")\n"
        + Stream.of(thread.getStackTrace())
            .map(frame -> "    at " + frame)
            .collect(Collectors.joining("\n"));
  }

  private void run() {
    try (StageWorker<IN, OUT> worker = function.open(metrics)) {
      while (true) {
        worker.process(nextBatch());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Throwable e) {
      report(e);
    }
  }

  private void report(Throwable cause) {
    try {
      failure.accept(cause);
    } catch (RejectedExecutionException e) {
      // The task is being closed, which is what made the worker fail; nobody is left to tell.
      LOG.debug("{} ends with its task", thread.getName(), cause);
    }
  }

  /**
   * Waits for an element, and takes what else is queued behind it as far as the budget allows at
   * once.
   */
  private List<StageTask<IN, OUT>> nextBatch() throws InterruptedException {
    QueueEntry.Element<IN, OUT> first = queue.take();
    active.acquire(first.activeCost);
    ArrayDeque<QueueEntry.Element<IN, OUT>> batch = new ArrayDeque<>();
    batch.add(first);
    while (batch.size() < maxBatch) {
      QueueEntry.Element<IN, OUT> next = queue.peek();
      if (next == null || !active.tryAcquire(next.activeCost)) {
        break;
      }
      batch.add(queue.remove());
    }
    List<StageTask<IN, OUT>> tasks = new ArrayList<>(batch.size());
    for (QueueEntry.Element<IN, OUT> element : batch) {
      tasks.add(new Task(element));
    }
    return tasks;
  }

  private final class Task implements StageTask<IN, OUT> {
    private final QueueEntry.Element<IN, OUT> element;

    Task(QueueEntry.Element<IN, OUT> element) {
      this.element = element;
    }

    @Override
    public IN input() {
      return element.input;
    }

    @Override
    public void complete(List<OUT> results) {
      completion.completed(element, results);
    }
  }
}
