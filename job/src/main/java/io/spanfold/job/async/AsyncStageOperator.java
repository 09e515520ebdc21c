package io.spanfold.job.async;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Hands its elements to worker threads, and emits what they turn into.
 *
 * <p>An element is in the checkpoint until its results have left, and they leave in one go, between
 * two barriers: so a failure repeats the whole of an element or nothing of it.
 *
 * <p>After a restore with another parallelism, elements that were in the checkpoint may come up in
 * another subtask than later ones of their kind, and so out of order. For writes this shows only
 * where a deadline falls between two batches of a trace that were both in flight; for flushes,
 * where it fell inside a subsegment and both parts that share it were in flight: the payload may
 * then be deleted before the earlier part is loaded, which reads it again from Kafka.
 *
 * <p>Watermarks wait for the elements before them, unless the function lets them pass, and are not
 * kept: those after a restore come from the source.
 *
 * <p>A full stage holds its input up, but never for good: a barrier could not pass it then. It
 * waits a second for room, lets in a fraction of what it may hold, and so on. So a stage that
 * stands still slows its input to a trickle, checkpoints go on, and what is in flight before it
 * goes into its state; whoever feeds it must see to it that not much more comes.
 *
 * <p>A stage that has work and finishes nothing of it for too long fails its task.
 *
 * @param <IN> the elements
 * @param <OUT> what they turn into
 */
public final class AsyncStageOperator<IN, OUT> extends AbstractStreamOperator<OUT>
    implements OneInputStreamOperator<IN, OUT> {

  private static final long serialVersionUID = 1L;

  /** How long a full stage waits for room before it takes in some more all the same. */
  static final long FULL_WAIT_MILLIS = 1_000;

  /** A full stage takes in this fraction of its bound after each wait, and at least one element. */
  private static final int OVERDRAFT_SHARE = 20;

  private static final long MAIL_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** How often a stall is looked for in the time that makes one. */
  private static final int STALL_CHECKS = 4;

  private final AsyncStageFunction<IN, OUT> function;
  private final AsyncStageSettings settings;
  private final TypeInformation<IN> type;

  private transient MailboxExecutor mailbox;
  private transient ListState<IN> inFlight;
  private transient List<IN> restored;
  private transient Deque<QueueEntry<IN, OUT>> slots;
  private transient List<WorkerThread<IN, OUT>> workers;
  private transient Budget active;
  private transient StallDetector stalls;
  private transient Thread taskThread;
  private transient long waiting;
  private transient int elements;

  /** The first element that has not left, for metrics. */
  private transient volatile IN oldest;

  /** The watermark that left last. */
  private transient long time;

  /** What may still be taken in above the bound before the stage waits again. */
  private transient long overdraft;

  /** Makes a stage that keeps its elements in state as {@code type}. */
  public AsyncStageOperator(
      AsyncStageFunction<IN, OUT> function, AsyncStageSettings settings, TypeInformation<IN> type) {
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
  }

  @Override
  public void open() throws Exception {
    super.open();
    slots = new ArrayDeque<>();
    active = new Budget(settings.maxActive());
    stalls = new StallDetector(settings.maxStallMillis(), System::nanoTime);
    taskThread = Thread.currentThread();
    time = Long.MIN_VALUE;
    workers = new ArrayList<>();
    for (int i = 0; i < settings.workers(); i++) {
      WorkerThread<IN, OUT> worker =
          new WorkerThread<>(
              getOperatorName() + " worker " + i,
              function,
              getMetricGroup().addGroup("worker", Integer.toString(i)),
              active,
              settings.maxBatch(),
              this::completed,
              this::failed);
      workers.add(worker);
      worker.start();
    }
    getMetricGroup().gauge("elementsInFlight", () -> elements);
    function.register(getMetricGroup(), () -> oldest);
    getMetricGroup().gauge("activeCost", active::used);
    for (IN input : restored) {
      take(input);
    }
    restored = List.of();
    if (settings.maxStallMillis() > 0) {
      checkForStallLater();
    }
  }

  private void checkForStallLater() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    getProcessingTimeService()
        .registerTimer(
            now + Math.max(1, settings.maxStallMillis() / STALL_CHECKS), time -> checkForStall());
  }

  private void checkForStall() {
    if (elements > 0 && stalls.stalled()) {
      workers.forEach(worker -> LOG.error("{}", worker.stack()));
      throw new AsyncStageException(
          ("%s has %d elements in it, and has finished none for %d s: it fails so that it starts"
                  + " afresh. The stacks of its workers were logged.")
              .formatted(getOperatorName(), elements, stalls.quietSeconds()),
          null);
    }
    checkForStallLater();
  }

  @Override
  public void processElement(StreamRecord<IN> record) throws Exception {
    long cost = take(record.getValue());
    if (waiting <= settings.maxWaiting()) {
      overdraft = 0;
    } else if (overdraft > 0) {
      overdraft -= cost;
    } else if (!runMailUntil(() -> waiting <= settings.maxWaiting(), FULL_WAIT_MILLIS)) {
      overdraft = Math.max(1, settings.maxWaiting() / OVERDRAFT_SHARE);
    }
  }

  /**
   * Works off mail until {@code done} holds.
   *
   * @return false where it does not hold after {@code millis}
   */
  private boolean runMailUntil(BooleanSupplier done, long millis) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (!done.getAsBoolean()) {
      if (!mailbox.tryYield()) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        // A worker that is done ends the wait; other mail is seen a little later.
        LockSupport.parkNanos(this, Math.min(left, MAIL_PAUSE_NANOS));
        if (Thread.interrupted()) {
          throw new InterruptedException("cancelled while waiting for room in a stage");
        }
      }
    }
    return true;
  }

  /** Takes an element in; returns what it costs to hold it. */
  private long take(IN input) {
    QueueEntry.Element<IN, OUT> element =
        new QueueEntry.Element<>(input, function.waitingCost(input), function.activeCost(input));
    slots.add(element);
    if (elements == 0) {
      stalls.progress();
      oldest = input;
    }
    elements++;
    waiting += element.waitingCost;
    workers.get(Math.floorMod(function.orderingKey(input), workers.size())).enqueue(element);
    return element.waitingCost;
  }

  /** In the worker's thread. */
  private void completed(QueueEntry.Element<IN, OUT> element, List<OUT> results) {
    stalls.progress();
    mailbox.execute(() -> emit(element, results), "emit the results of %s", getOperatorName());
    LockSupport.unpark(taskThread);
  }

  /** In the worker's thread. */
  private void failed(Throwable cause) {
    mailbox.execute(
        () -> {
          throw new AsyncStageException(
              getOperatorName() + " failed: " + cause.getMessage(), cause);
        },
        "fail %s",
        getOperatorName());
  }

  private void emit(QueueEntry.Element<IN, OUT> element, List<OUT> results) {
    element.results = results;
    if (!settings.ordered()) {
      leave(element);
    }
    while (!slots.isEmpty() && leaveHead(slots.peek())) {
      slots.remove();
    }
    oldest = firstElement();
    // Whoever comes after this stage may have held it up.
    stalls.progress();
  }

  /** Looks past watermarks only: elements that have left are not at the head. */
  private IN firstElement() {
    for (QueueEntry<IN, OUT> slot : slots) {
      if (slot instanceof QueueEntry.Element<IN, OUT> element) {
        return element.input;
      }
    }
    return null;
  }

  private boolean leaveHead(QueueEntry<IN, OUT> head) {
    if (head instanceof QueueEntry.Mark<IN, OUT> mark) {
      leave(mark.watermark());
    } else if (head instanceof QueueEntry.Status<IN, OUT> status) {
      output.emitWatermarkStatus(status.status());
    } else if (head instanceof QueueEntry.Element<IN, OUT> element) {
      if (element.results == null) {
        return false;
      }
      leave(element);
    }
    return true;
  }

  private void leave(QueueEntry.Element<IN, OUT> element) {
    if (element.left) {
      return;
    }
    for (OUT result : element.results) {
      output.collect(new StreamRecord<>(result));
    }
    element.left = true;
    element.results = List.of();
    elements--;
    waiting -= element.waitingCost;
    active.release(element.activeCost);
  }

  /** A watermark that waited may have been overtaken by a later one. */
  private void leave(Watermark mark) {
    if (mark.getTimestamp() > time) {
      time = mark.getTimestamp();
      output.emitWatermark(mark);
    }
  }

  /** The end of time overtakes nothing: what came after it would never be due. */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (slots.isEmpty() || function.mayBeOvertaken() && !mark.equals(Watermark.MAX_WATERMARK)) {
      leave(mark);
    } else {
      slots.add(new QueueEntry.Mark<>(mark));
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    if (slots.isEmpty()) {
      // Not by the superclass: it leaves out what it takes for a repetition, and has not seen those
      // that left by way of a slot.
      output.emitWatermarkStatus(status);
    } else {
      slots.add(new QueueEntry.Status<>(status));
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    runMailUntil(() -> elements == 0, settings.barrierWaitMillis());
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    List<IN> open = new ArrayList<>();
    for (QueueEntry<IN, OUT> slot : slots) {
      if (slot instanceof QueueEntry.Element<IN, OUT> element && !element.left) {
        open.add(element.input);
      }
    }
    inFlight.update(open);
  }

  @Override
  public void finish() throws Exception {
    while (!slots.isEmpty()) {
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
