package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.resource.TaskAttempt;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import io.spanfold.job.sink.SegmentStrategy.Opener;
import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.FlinkRuntimeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cleans up after committed parts, in a thread of its own, so that Redis stalls neither the stream
 * nor its checkpoints. What is committed while the thread is busy waits here, encoded.
 *
 * <p>A failed clean-up does not fail the task: its records are committed, and it only costs memory
 * in Redis until the keys' TTL. It is tried again after a pause, whether there is a further commit
 * or not. Flink's own retries are not used: Flink makes them at once, right after the store has
 * given up, and then fails the job, which would restart for as long as Redis is down.
 *
 * <p>The writer of the same task puts what is pending into each checkpoint, so that another attempt
 * continues if this one fails. What is beyond the bound on memory is left to the TTL and counted.
 *
 * <p>If another job or attempt has taken over, the thread ends, and the next commit fails.
 *
 * <p>The methods are for one thread, that of the task.
 */
final class PendingCleanUps implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PendingCleanUps.class);

  /** How many parts one call cleans up, so that progress is kept if a later call fails. */
  private static final int BATCH_PARTS = 4_000;

  /** The same for spans: a call blocks a node of Redis for a time that grows with them. */
  private static final int BATCH_SPANS = 50_000;

  private static final long JOIN_MILLIS = 5_000;

  /**
   * Limits of the clean-up.
   *
   * @param maxBytes how long the waiting receipts may be together; the last commit's always wait
   * @param retryPause the time between a failure and the next try
   * @param finishTimeout how long the end of the input waits for progress
   * @param closeTimeout how long it waits when the task ends in another way
   */
  record Limits(long maxBytes, Duration retryPause, Duration finishTimeout, Duration closeTimeout)
      implements Serializable {

    /** Some 400,000 small parts. */
    static final Limits DEFAULT =
        new Limits(
            64 * 1024 * 1024, Duration.ofSeconds(5), Duration.ofSeconds(20), Duration.ofSeconds(1));
  }

  /** By the attempt of the task that they are of, for its writer. */
  private static final Map<String, PendingCleanUps> OF_TASKS = new ConcurrentHashMap<>();

  private final String task;
  private final Opener<CleanUp> opener;
  private final MetricGroup metrics;
  private final Limits limits;
  private final Counter done;
  private final Counter failed;
  private final Counter abandoned;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock, as are the counters.
  private final Deque<EncodedItems<Receipt>> waiting = new ArrayDeque<>();
  private long waitingBytes;

  /** What the thread has taken and not cleaned up yet; null for nothing. */
  private EncodedItems<Receipt> taken;

  private int pending; // with the parts that are being cleaned up

  /** Whether the committable of a checkpoint since the last commit has all of it. */
  private boolean carried;

  private Thread thread;
  private Throwable failure;
  private boolean pausing;
  private boolean closing;

  /**
   * @param opener opens the clean-up when it is first needed, so that a job can start and commit
   *     while Redis is unavailable; called in the thread, as is all that it opens
   */
  PendingCleanUps(Opener<CleanUp> opener, MetricGroup metrics, Limits limits) {
    this.task = TaskAttempt.id(metrics);
    this.opener = opener;
    this.metrics = metrics;
    this.limits = limits;
    this.done = metrics.counter("cleanUpsDone");
    this.failed = metrics.counter("cleanUpsFailed");
    this.abandoned = metrics.counter("cleanUpsAbandoned");
    metrics.gauge("cleanUpsPending", this::pending);
  }

  /**
   * Returns what a task has yet to clean up, the oldest first, for the checkpoint that begins.
   * Until the next commit it returns nothing more: nothing is added, and the state of later
   * checkpoints has what is not committed of earlier ones.
   */
  static List<EncodedItems<Receipt>> carry(String task) {
    PendingCleanUps pending = OF_TASKS.get(task);
    return pending == null ? List.of() : pending.carry();
  }

  private List<EncodedItems<Receipt>> carry() {
    lock.lock();
    try {
      if (carried) {
        return List.of();
      }
      carried = true;
      List<EncodedItems<Receipt>> left = new ArrayList<>(1 + waiting.size());
      if (taken != null) {
        left.add(taken);
      }
      left.addAll(waiting);
      return left;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Adds the receipts of a commit, which may have none, and returns at once.
   *
   * @throws FlinkRuntimeException if an earlier clean-up failed and is not retried
   */
  void add(EncodedItems<Receipt> committed) {
    lock.lock();
    try {
      throwFailure();
      carried = false;
      if (committed.isEmpty()) {
        return;
      }
      waiting.addLast(committed);
      waitingBytes += committed.length();
      pending += committed.size();
      abandonTheOldest();
      if (thread == null) {
        start();
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until nothing is pending, at the end of the input, for as long as there is progress.
   *
   * @throws FlinkRuntimeException if a clean-up fails and is not retried
   */
  void finish() throws InterruptedException {
    long nanos = limits.finishTimeout().toNanos();
    lock.lock();
    try {
      int left = pending;
      while (pending > 0 && failure == null && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
        if (pending < left) {
          left = pending;
          nanos = limits.finishTimeout().toNanos();
        }
      }
      throwFailure();
    } finally {
      lock.unlock();
    }
  }

  private int pending() {
    lock.lock();
    try {
      return pending;
    } finally {
      lock.unlock();
    }
  }

  private void throwFailure() {
    if (failure != null) {
      // With its cause, which decides whether the job restarts.
      throw new FlinkRuntimeException("The clean-up failed: " + failure.getMessage(), failure);
    }
  }

  private void abandonTheOldest() {
    int parts = 0;
    while (waitingBytes > limits.maxBytes() && waiting.size() > 1) {
      EncodedItems<Receipt> oldest = waiting.removeFirst();
      waitingBytes -= oldest.length();
      parts += oldest.size();
    }
    if (parts > 0) {
      pending -= parts;
      abandoned.inc(parts);
      LOG.warn(
          "Clean-up is too far behind; the payloads of {} committed parts are left to their TTL.",
          parts);
    }
  }

  private void start() {
    thread = new Thread(this::run, Thread.currentThread().getName() + " clean-up");
    thread.setDaemon(true);
    thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
    thread.start();
    OF_TASKS.put(task, this);
  }

  private void run() {
    try (OpenedOnce cleanUp = new OpenedOnce()) {
      while (true) {
        cleanUpCommit(takeOldest(), cleanUp);
      }
    } catch (Throwable e) {
      fail(e);
    }
  }

  private EncodedItems<Receipt> takeOldest() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      checkOpen();
      while (waiting.isEmpty()) {
        changed.await();
      }
      EncodedItems<Receipt> oldest = waiting.removeFirst();
      waitingBytes -= oldest.length();
      taken = oldest;
      return oldest;
    } finally {
      lock.unlock();
    }
  }

  /** Cleans up after one commit, as far as that succeeds; the rest waits again, then a while. */
  private void cleanUpCommit(EncodedItems<Receipt> commit, CleanUp cleanUp)
      throws InterruptedException {
    EncodedItems<Receipt> rest = commit;
    while (!rest.isEmpty()) {
      EncodedItems.Cursor<Receipt> cursor = rest.iterator();
      List<Receipt> batch = nextBatch(cursor);
      try {
        cleanUp.cleanUp(batch);
      } catch (IOException e) {
        waitAgain(rest, e);
        return;
      }
      rest = cursor.rest();
      succeeded(batch.size(), rest);
    }
  }

  private static List<Receipt> nextBatch(EncodedItems.Cursor<Receipt> receipts) {
    List<Receipt> batch = new ArrayList<>();
    long spans = 0;
    while (receipts.hasNext() && batch.size() < BATCH_PARTS && spans < BATCH_SPANS) {
      Receipt receipt = receipts.next();
      batch.add(receipt);
      spans += receipt.spanIds().length;
    }
    return batch;
  }

  private void succeeded(int parts, EncodedItems<Receipt> rest) throws InterruptedException {
    lock.lock();
    try {
      taken = rest.isEmpty() ? null : rest;
      done.inc(parts);
      pending -= parts;
      changed.signalAll();
      checkOpen();
    } finally {
      lock.unlock();
    }
  }

  private void waitAgain(EncodedItems<Receipt> rest, IOException reason)
      throws InterruptedException {
    lock.lockInterruptibly();
    try {
      checkOpen();
      failed.inc();
      taken = null;
      waiting.addFirst(rest);
      waitingBytes += rest.length();
      abandonTheOldest();
      LOG.warn(
          "{} committed parts could not be cleaned up; the next try is in {} s.",
          pending,
          limits.retryPause().toSeconds(),
          reason);
      pausing = true;
      changed.signalAll();
      long nanos = limits.retryPause().toNanos();
      while (nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } finally {
      pausing = false;
      lock.unlock();
    }
  }

  /** Ends the thread if an interrupt was lost in the store's client. */
  private void checkOpen() throws InterruptedException {
    if (closing) {
      throw new InterruptedException("the committer closes");
    }
  }

  private void fail(Throwable reason) {
    lock.lock();
    try {
      if (closing) {
        LOG.debug("The clean-up was interrupted.", reason);
        return;
      }
      failure = reason;
      LOG.error("The clean-up failed, so the task fails with its next commit.", reason);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends the thread. It gets a moment for what is pending, unless it waits for another try.
   *
   * <p>Never throws, as Flink may close a task that has failed.
   */
  @Override
  public void close() {
    OF_TASKS.remove(task, this);
    if (closing) {
      return;
    }
    if (thread != null) {
      try {
        awaitProgress();
        thread.interrupt();
        thread.join(JOIN_MILLIS);
      } catch (InterruptedException e) {
        thread.interrupt();
        Thread.currentThread().interrupt();
      }
    }
    lock.lock();
    try {
      if (pending > 0) {
        LOG.warn(
            "The task ends before the clean-up of {} committed parts. The next attempt continues, or"
                + " a job that is started from the last checkpoint; otherwise their TTL ends them.",
            pending);
      }
    } finally {
      lock.unlock();
    }
  }

  private void awaitProgress() throws InterruptedException {
    long nanos = limits.closeTimeout().toNanos();
    lock.lock();
    try {
      while (pending > 0 && failure == null && !pausing && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } finally {
      closing = true;
      lock.unlock();
    }
  }

  /** A clean-up that is opened with its first call. */
  private final class OpenedOnce implements CleanUp {
    private CleanUp opened;

    @Override
    public void cleanUp(List<Receipt> receipts) throws IOException, InterruptedException {
      if (opened == null) {
        opened = opener.open(metrics);
      }
      opened.cleanUp(receipts);
    }

    @Override
    public void close() {
      // An interrupt has done its work; connections close without it.
      Thread.interrupted();
      if (opened == null) {
        return;
      }
      try {
        opened.close();
      } catch (IOException e) {
        LOG.warn("The clean-up's connection to the store could not be closed.", e);
      }
    }
  }
}
