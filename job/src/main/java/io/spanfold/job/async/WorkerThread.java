package io.spanfold.job.async;

import io.spanfold.job.async.QueueEntry.Element;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A thread with a worker and a queue. Elements are processed in the order of the queue. */
final class WorkerThread<IN, OUT> {

  private static final long JOIN_MILLIS = 5_000;

  private final Callable<AsyncStageFunction.Worker<IN, OUT>> opener;
  private final Semaphore active;
  private final int maxBatch;
  private final Consumer<Throwable> onFailure;
  private final BlockingQueue<Element<IN, OUT>> queue = new LinkedBlockingQueue<>();
  private final Thread thread;

  /**
   * Makes a thread that is not started.
   *
   * @param opener makes the worker, in the thread
   * @param active the active cost that all workers may take; fair
   * @param onFailure called in the thread, which then ends
   */
  WorkerThread(
      String name,
      Callable<AsyncStageFunction.Worker<IN, OUT>> opener,
      Semaphore active,
      int maxBatch,
      Consumer<Throwable> onFailure) {
    this.opener = opener;
    this.active = active;
    this.maxBatch = maxBatch;
    this.onFailure = onFailure;
    thread = new Thread(this::run, name);
    thread.setDaemon(true);
    // The Flink task's class loader finds the job's classes, and the native library among them.
    thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
  }

  void start() {
    thread.start();
  }

  void enqueue(Element<IN, OUT> element) {
    queue.add(element);
  }

  void interrupt() {
    thread.interrupt();
  }

  /** Waits for an interrupted thread to end, five seconds at most. */
  void join() throws InterruptedException {
    thread.join(JOIN_MILLIS);
  }

  /** Returns the current stack, for a log. */
  String stack() {
    return Stream.of(thread.getStackTrace())
        .map(frame -> "\n    at " + frame)
        .collect(Collectors.joining("", thread.getName() + " (" + thread.getState() + ")", ""));
  }

  private void run() {
    try (AsyncStageFunction.Worker<IN, OUT> worker = opener.call()) {
      while (true) {
        worker.process(nextBatch());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Throwable e) {
      onFailure.accept(e);
    }
  }

  /**
   * Waits for an element and its share of the active cost, and takes further elements while both
   * are available without waiting.
   */
  private List<AsyncStageFunction.Task<IN, OUT>> nextBatch() throws InterruptedException {
    Element<IN, OUT> next = queue.take();
    active.acquire(next.activeCost);
    List<AsyncStageFunction.Task<IN, OUT>> batch = new ArrayList<>();
    batch.add(next);
    while (batch.size() < maxBatch) {
      next = queue.peek();
      // With a timeout, because without one it overtakes a waiting worker.
      if (next == null || !active.tryAcquire(next.activeCost, 0, TimeUnit.SECONDS)) {
        break;
      }
      batch.add(queue.remove());
    }
    return batch;
  }
}
