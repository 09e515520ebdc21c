package io.spanfold.job.async;

import io.spanfold.job.async.QueueEntry.Element;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * Passes its elements to worker threads, and emits their results.
 *
 * <p>An element is in the checkpoint until its results are emitted, which happens together, between
 * two barriers. So a failure repeats an element as a whole or not at all.
 *
 * <p>After a restore with another parallelism, elements of the checkpoint may arrive in another
 * subtask than later elements of their key, and so out of order. Written batches are put in order
 * where they are folded: unless the function lets watermarks overtake them, they arrive there
 * before the first one. For flushes it matters only if a deadline fell inside a subsegment and both
 * parts that share it were in flight: the payload may then be deleted before the earlier part is
 * loaded, which reads it from Kafka.
 *
 * <p>Watermarks wait for the elements before them unless the function allows them to overtake. They
 * are not in the checkpoint: after a restore they come from the source.
 *
 * <p>A full stage blocks its input, but not forever, because no barrier could pass then. It accepts
 * an element a second until it has twice its bound. What it accepts above its bound is a debt, of
 * which a fraction of the bound is forgiven each second; from twice the bound on the input waits
 * until enough is forgiven, or there is room. So a stage that does not progress slows its input to
 * a trickle, checkpoints continue, and the elements in flight before the stage go into its state.
 * The source must limit their number.
 *
 * @param <IN> the elements
 * @param <OUT> their results
 */
public final class AsyncStageOperator<IN, OUT> extends AbstractStreamOperator<OUT>
    implements OneInputStreamOperator<IN, OUT> {

  private static final long serialVersionUID = 1L;

  /** How long a full stage waits for room, and how often it forgives a part of its debt. */
  static final long FULL_WAIT_MILLIS = 1_000;

  /** The fraction of its bound that a full stage forgives each time. */
  static final int FORGIVEN_SHARE = 20;

  private static final long MAIL_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** How many completed elements one mail emits: barriers and timers wait for that long. */
  private static final int MAIL_ELEMENTS = 256;

  /** How many checks for a stall there are in a stall timeout. */
  private static final int STALL_CHECKS = 4;

  private final AsyncStageFunction<IN, OUT> function;
  private final AsyncStageSettings settings;
  private final TypeInformation<IN> type;

  private transient MailboxExecutor mailbox;
  private transient ListState<IN> inFlight;
  private transient List<IN> restored;
  private transient Deque<QueueEntry<IN, OUT>> queue;
  private transient List<WorkerThread<IN, OUT>> workers;
  private transient int maxActive;
  private transient Semaphore active;
  private transient Completions<IN, OUT> completions;
  private transient Thread taskThread;
  private transient long waiting;

  /** Whether there is a mail that lets the workers have what has arrived. */
  private transient boolean releaseIsDue;

  /** The active cost of emitted elements that is not released yet. */
  private transient int emittedCost;

  private transient int elements;

  /** When an element was last completed or emitted, or the first one came. */
  private transient volatile long progressNanos;

  /** The first element that is not emitted, for metrics. */
  private transient volatile IN oldest;

  private transient long emittedWatermark;

  /** The waiting cost accepted above the bound and not forgiven. */
  private transient long debt;

  /** Makes a stage that keeps its elements in state as {@code type}. */
  public AsyncStageOperator(
      AsyncStageFunction<IN, OUT> function, AsyncStageSettings settings, TypeInformation<IN> type) {
    if (settings.ordered && settings.workers > 1 && settings.maxActive != Long.MAX_VALUE) {
      // Results behind the head keep their active cost, which the head may be waiting for.
      throw new IllegalArgumentException(
          "an ordered stage of several workers cannot bound the active cost; bound the waiting cost");
    }
    this.function = function;
    this.settings = settings;
    this.type = type;
  }

  @Override
  public void setMailboxExecutor(MailboxExecutor executor) {
    super.setMailboxExecutor(executor);
    mailbox = executor;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    inFlight =
        context.getOperatorStateStore().getListState(new ListStateDescriptor<>("in-flight", type));
    restored = new ArrayList<>();
    inFlight.get().forEach(restored::add);
    if (function instanceof CheckpointedFunction stateful) {
      stateful.initializeState(context);
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    queue = new ArrayDeque<>();
    maxActive = (int) Math.min(settings.maxActive, Integer.MAX_VALUE);
    // Fair, because otherwise a large element would wait while small ones find room.
    active = new Semaphore(maxActive, true);
    taskThread = Thread.currentThread();
    emittedWatermark = Long.MIN_VALUE;
    completions = new Completions<>(this::tellTaskThread);
    workers = new ArrayList<>();
    for (int i = 0; i < settings.workers; i++) {
      MetricGroup metrics = getMetricGroup().addGroup("worker", Integer.toString(i));
      WorkerThread<IN, OUT> worker =
          new WorkerThread<>(
              getOperatorName() + " worker " + i,
              () -> function.open(metrics, getRuntimeContext().getTaskInfo()),
              active,
              settings.maxBatch,
              completions,
              () -> progressNanos = System.nanoTime(),
              this::failed);
      workers.add(worker);
      worker.start();
    }
    getMetricGroup().gauge("elementsInFlight", () -> elements);
    getMetricGroup().gauge("activeCost", () -> maxActive - active.availablePermits());
    function.register(getMetricGroup(), () -> oldest);
    for (IN input : restored) {
      accept(input);
    }
    restored = List.of();
    if (!settings.stallTimeout.isZero()) {
      scheduleStallCheck();
    }
  }

  private void scheduleStallCheck() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    long interval = Math.max(1, settings.stallTimeout.toMillis() / STALL_CHECKS);
    getProcessingTimeService().registerTimer(now + interval, time -> checkForStall());
  }

  private void checkForStall() {
    Duration quiet = Duration.ofNanos(System.nanoTime() - progressNanos);
    boolean waits = workers.stream().anyMatch(WorkerThread::isWaiting);
    if (waits) {
      progressNanos = System.nanoTime();
    } else if (elements > 0 && quiet.compareTo(settings.stallTimeout) > 0) {
      workers.forEach(worker -> LOG.error("{}", worker.stack()));
      throw new FlinkRuntimeException(
          "%s has %d elements in flight and has completed none for %d s. The task fails so that it restarts. The stacks of its workers are in the log."
              .formatted(getOperatorName(), elements, quiet.toSeconds()));
    }
    scheduleStallCheck();
  }

  @Override
  public void processElement(StreamRecord<IN> record) throws Exception {
    if (waiting <= settings.maxWaiting) {
      debt = 0;
    }
    long cost = accept(record.getValue());
    if (waiting > settings.maxWaiting) {
      debt += Math.min(cost, waiting - settings.maxWaiting);
      waitForRoom();
    }
  }

  private void waitForRoom() throws InterruptedException {
    do {
      if (runMailUntil(() -> waiting <= settings.maxWaiting, FULL_WAIT_MILLIS)) {
        return;
      }
      debt = Math.max(0, debt - Math.max(1, settings.maxWaiting / FORGIVEN_SHARE));
    } while (debt > settings.maxWaiting);
  }

  /**
   * Runs mail until {@code done} holds.
   *
   * @return false if it does not hold after {@code millis}
   */
  private boolean runMailUntil(BooleanSupplier done, long millis) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (!done.getAsBoolean()) {
      if (!mailbox.tryYield()) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        // A completed element ends the pause; other mail is noticed a little later.
        LockSupport.parkNanos(this, Math.min(left, MAIL_PAUSE_NANOS));
        if (Thread.interrupted()) {
          throw new InterruptedException("cancelled while waiting for room in a stage");
        }
      }
    }
    return true;
  }

  /** Returns the waiting cost of the element. */
  private long accept(IN input) {
    WorkerThread<IN, OUT> worker =
        workers.get(Math.floorMod(function.orderingKey(input), workers.size()));
    Element<IN, OUT> element =
        new Element<>(
            input,
            function.waitingCost(input),
            (int) Math.min(function.activeCost(input), maxActive),
            worker.completion());
    queue.add(element);
    if (elements == 0) {
      progressNanos = System.nanoTime();
      oldest = input;
    }
    elements++;
    waiting += element.waitingCost;
    if (!worker.enqueue(element) && !releaseIsDue) {
      // After what the task does now, which may bring further elements.
      releaseIsDue = true;
      mailbox.execute(this::release, "hand the elements of %s over", getOperatorName());
    }
    return element.waitingCost;
  }

  private void release() {
    releaseIsDue = false;
    workers.forEach(WorkerThread::release);
  }

  /** Called in any thread. */
  private void tellTaskThread() {
    mailbox.execute(this::emitCompleted, "emit the results of %s", getOperatorName());
    LockSupport.unpark(taskThread);
  }

  /** Called in a worker's thread. */
  private void failed(Throwable cause) {
    // Flink's wrapper only marks that a restart does not help; its cause has the reason.
    Throwable reason = cause instanceof SuppressRestartsException ? cause.getCause() : cause;
    try {
      mailbox.execute(
          () -> {
            throw new FlinkRuntimeException(
                getOperatorName() + " failed: " + reason.getMessage(), cause);
          },
          "fail %s",
          getOperatorName());
    } catch (RejectedExecutionException e) {
      LOG.debug("A worker of {} failed while its task was closed", getOperatorName(), cause);
    }
  }

  private void emitCompleted() {
    for (Element<IN, OUT> element : completions.take(MAIL_ELEMENTS)) {
      element.takeResults();
      if (!settings.ordered) {
        emit(element);
      }
      while (!queue.isEmpty() && emitHead(queue.peek())) {
        queue.remove();
      }
    }
    active.release(emittedCost);
    emittedCost = 0;
    oldest = firstElement();
    // The operators downstream may have blocked the emission.
    progressNanos = System.nanoTime();
  }

  /** Skips watermarks only: an emitted element is never at the head. */
  private IN firstElement() {
    for (QueueEntry<IN, OUT> entry : queue) {
      if (entry instanceof Element<IN, OUT> element) {
        return element.input();
      }
    }
    return null;
  }

  private boolean emitHead(QueueEntry<IN, OUT> head) {
    if (head instanceof QueueEntry.Mark<IN, OUT> mark) {
      emit(mark.watermark());
    } else if (head instanceof QueueEntry.Status<IN, OUT> status) {
      output.emitWatermarkStatus(status.status());
    } else if (head instanceof Element<IN, OUT> element) {
      if (element.results == null) {
        return false;
      }
      emit(element);
    }
    return true;
  }

  private void emit(Element<IN, OUT> element) {
    if (element.emitted) {
      return;
    }
    for (OUT result : element.results) {
      output.collect(new StreamRecord<>(result));
    }
    element.emitted = true;
    element.results = List.of();
    elements--;
    waiting -= element.waitingCost;
    emittedCost += element.activeCost;
  }

  /** Drops a queued watermark that a later one has overtaken. */
  private void emit(Watermark mark) {
    if (mark.getTimestamp() > emittedWatermark) {
      emittedWatermark = mark.getTimestamp();
      output.emitWatermark(mark);
    }
  }

  /** The maximum watermark never overtakes: elements behind it would never be due. */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (queue.isEmpty() || function.mayBeOvertaken() && !mark.equals(Watermark.MAX_WATERMARK)) {
      emit(mark);
    } else {
      queue.add(new QueueEntry.Mark<>(mark));
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    if (queue.isEmpty()) {
      // Not by the superclass: it skips what it takes for a repetition, and it has not seen the
      // statuses that left the queue.
      output.emitWatermarkStatus(status);
    } else {
      queue.add(new QueueEntry.Status<>(status));
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    runMailUntil(() -> elements == 0, settings.barrierWait.toMillis());
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    if (function instanceof CheckpointedFunction stateful) {
      stateful.snapshotState(context);
    }
    List<IN> pending = new ArrayList<>();
    for (QueueEntry<IN, OUT> entry : queue) {
      if (entry instanceof Element<IN, OUT> element && !element.emitted) {
        pending.add(element.input());
      }
    }
    inFlight.update(pending);
  }

  @Override
  public void finish() throws Exception {
    while (!queue.isEmpty()) {
      mailbox.yield();
    }
    super.finish();
  }

  @Override
  public void close() throws Exception {
    if (workers != null) {
      workers.forEach(WorkerThread::interrupt);
      for (WorkerThread<IN, OUT> worker : workers) {
        worker.join();
      }
    }
    super.close();
  }
}
