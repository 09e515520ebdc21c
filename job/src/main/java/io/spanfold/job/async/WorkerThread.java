package io.spanfold.job.async;

import io.spanfold.job.async.QueueEntry.Element;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A thread with a worker and a queue. Elements are processed in the order of the queue. Those that
 * the worker completes in this thread are handed over together once it returns.
 */
final class WorkerThread<IN, OUT> {

  private static final long JOIN_MILLIS = 5_000;

  private final Callable<AsyncStageFunction.Worker<IN, OUT>> opener;
  private final Semaphore active;
  private final int maxBatch;
  private final Completions<IN, OUT> completions;
  private final Runnable onCompletion;
  private final Consumer<Throwable> onFailure;
  private final BlockingQueue<List<Element<IN, OUT>>> queue = new LinkedBlockingQueue<>();

  /** The elements that are not in the queue yet; for the task's thread. */
  private List<Element<IN, OUT>> arrived = new ArrayList<>();

  /** The elements that the thread has taken from the queue, but not the worker from it. */
  private final Queue<Element<IN, OUT>> next = new ArrayDeque<>();

  /** The elements that the worker has completed in the thread since it was called. */
  private final List<Element<IN, OUT>> completed = new ArrayList<>();

  private final Consumer<Element<IN, OUT>> completion = this::completed;

  private final Thread thread;

  /** Null before the thread has opened it. */
  private volatile AsyncStageFunction.Worker<IN, OUT> opened;

  /**
   * Makes a thread that is not started.
   *
   * @param opener makes the worker, in the thread
   * @param active the active cost that all workers may take; fair
   * @param completions gets the completed elements
   * @param onCompletion called as soon as an element is completed, in the thread that does it
   * @param onFailure called in the thread, which then ends
   */
  WorkerThread(
      String name,
      Callable<AsyncStageFunction.Worker<IN, OUT>> opener,
      Semaphore active,
      int maxBatch,
      Completions<IN, OUT> completions,
      Runnable onCompletion,
      Consumer<Throwable> onFailure) {
    this.opener = opener;
    this.active = active;
    this.maxBatch = maxBatch;
    this.completions = completions;
    this.onCompletion = onCompletion;
    this.onFailure = onFailure;
    thread = new Thread(this::run, name);
    thread.setDaemon(true);
    // The Flink task's class loader finds the job's classes, and the native library among them.
    thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
  }

  void start() {
    thread.start();
  }

  /**
   * Adds an element, for the task's thread. The worker gets it once there are enough for a batch,
   * or with {@link #release}: a batch costs about as much as an element.
   *
   * @return whether the worker gets it already
   */
  boolean enqueue(Element<IN, OUT> element) {
    arrived.add(element);
    if (arrived.size() >= maxBatch) {
      release();
    }
    return arrived.isEmpty();
  }

  /** Lets the worker have all elements. */
  void release() {
    if (!arrived.isEmpty()) {
      queue.add(arrived);
      arrived = new ArrayList<>();
    }
  }

  /** Returns what an element of this worker calls when it is completed, in any thread. */
  Consumer<Element<IN, OUT>> completion() {
    return completion;
  }

  private void completed(Element<IN, OUT> element) {
    onCompletion.run();
    if (Thread.currentThread() == thread) {
      completed.add(element);
    } else {
      completions.add(List.of(element));
    }
  }

  void interrupt() {
    thread.interrupt();
  }

  /** Waits for an interrupted thread to end, five seconds at most. */
  void join() throws InterruptedException {
    thread.join(JOIN_MILLIS);
  }

  /** Returns whether the worker waits for something outside of the job. */
  boolean isWaiting() {
    AsyncStageFunction.Worker<IN, OUT> worker = opened;
    return worker != null && worker.isWaiting();
  }

  /** Returns the current stack, for a log. */
  String stack() {
    return Stream.of(thread.getStackTrace())
        .map(frame -> "\n    at " + frame)
        .collect(Collectors.joining("", thread.getName() + " (" + thread.getState() + ")", ""));
  }

  private void run() {
    try (AsyncStageFunction.Worker<IN, OUT> worker = opener.call()) {
      opened = worker;
      while (true) {
        List<AsyncStageFunction.Task<IN, OUT>> batch = nextBatch();
        try {
          worker.process(batch);
        } finally {
          completions.add(completed);
          completed.clear();
        }
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
    if (next.isEmpty()) {
      next.addAll(queue.take());
    }
    active.acquire(next.element().activeCost);
    for (var more = queue.poll(); more != null; more = queue.poll()) {
      next.addAll(more);
    }
    List<AsyncStageFunction.Task<IN, OUT>> batch = new ArrayList<>();
    batch.add(next.remove());
    while (batch.size() < maxBatch && !next.isEmpty()) {
      // With a timeout, because without one it overtakes a waiting worker.
      if (!active.tryAcquire(next.element().activeCost, 0, TimeUnit.SECONDS)) {
        break;
      }
      batch.add(next.remove());
    }
    return batch;
  }
}
