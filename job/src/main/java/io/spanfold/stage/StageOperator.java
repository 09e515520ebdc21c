package io.spanfold.stage;

import io.spanfold.codec.Codec;
import io.spanfold.codec.CodecSerializer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
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
 * where a deadline falls between two bundles of a trace that were both in flight; for flushes,
 * where it fell inside a subsegment and both parts that share it were in flight: the payload may
 * then be deleted before the earlier part is loaded.
 *
 * <p>Watermarks wait for the elements before them, and are not kept: those after a restore come
 * from the source.
 *
 * <p>Where the stage is full no element is taken in, and no barrier passes, until one element is
 * done. That one takes as long as its worker allows it to.
 *
 * @param <IN> the elements
 * @param <OUT> what they turn into
 */
public final class StageOperator<IN, OUT> extends AbstractStreamOperator<OUT>
    implements OneInputStreamOperator<IN, OUT> {

  private static final long serialVersionUID = 1L;

  private final StageFunction<IN, OUT> function;
  private final StageSettings settings;
  private final Codec<IN> codec;

  private transient MailboxExecutor mailbox;
  private transient ListState<IN> inFlight;
  private transient List<IN> restored;
  private transient Deque<Slot<IN, OUT>> slots;
  private transient List<WorkerThread<IN, OUT>> workers;
  private transient Budget active;
  private transient long waiting;
  private transient int elements;

  /** Makes a stage whose elements are kept in checkpoints by {@code codec}. */
  public StageOperator(StageFunction<IN, OUT> function, StageSettings settings, Codec<IN> codec) {
    this.function = function;
    this.settings = settings;
    this.codec = codec;
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
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("in-flight", new CodecSerializer<>(codec)));
    restored = new ArrayList<>();
    inFlight.get().forEach(restored::add);
  }

  @Override
  public void open() throws Exception {
    super.open();
    slots = new ArrayDeque<>();
    active = new Budget(settings.maxActive());
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
    getMetricGroup().gauge("activeCost", active::used);
    restored.forEach(this::take);
    restored = List.of();
  }

  @Override
  public void processElement(StreamRecord<IN> record) throws Exception {
    take(record.getValue());
    while (waiting > settings.maxWaiting()) {
      mailbox.yield();
    }
  }

  private void take(IN input) {
    Slot.Element<IN, OUT> element =
        new Slot.Element<>(input, function.waitingCost(input), function.activeCost(input));
    slots.add(element);
    elements++;
    waiting += element.waitingCost;
    workers.get(Math.floorMod(function.affinity(input), workers.size())).enqueue(element);
  }

  /** In the worker's thread. */
  private void completed(Slot.Element<IN, OUT> element, List<OUT> results) {
    mailbox.execute(() -> emit(element, results), "emit the results of %s", getOperatorName());
  }

  /** In the worker's thread. */
  private void failed(Throwable cause) {
    mailbox.execute(
        () -> {
          throw new StageException(getOperatorName() + " failed: " + cause.getMessage(), cause);
        },
        "fail %s",
        getOperatorName());
  }

  private void emit(Slot.Element<IN, OUT> element, List<OUT> results) {
    element.results = results;
    if (!settings.ordered()) {
      leave(element);
    }
    while (!slots.isEmpty() && leaveHead(slots.peek())) {
      slots.remove();
    }
  }

  private boolean leaveHead(Slot<IN, OUT> head) {
    if (head instanceof Slot.Mark<IN, OUT> mark) {
      output.emitWatermark(mark.watermark());
    } else if (head instanceof Slot.Status<IN, OUT> status) {
      output.emitWatermarkStatus(status.status());
    } else if (head instanceof Slot.Element<IN, OUT> element) {
      if (element.results == null) {
        return false;
      }
      leave(element);
    }
    return true;
  }

  private void leave(Slot.Element<IN, OUT> element) {
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

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (slots.isEmpty()) {
      super.processWatermark(mark);
    } else {
      slots.add(new Slot.Mark<>(mark));
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    if (slots.isEmpty()) {
      // Not by the superclass: it leaves out what it takes for a repetition, and has not seen those
      // that left by way of a slot.
      output.emitWatermarkStatus(status);
    } else {
      slots.add(new Slot.Status<>(status));
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    if (elements > 0 && settings.barrierWaitMillis() > 0) {
      long until =
          getProcessingTimeService().getCurrentProcessingTime() + settings.barrierWaitMillis();
      // The timer is what ends the wait where no element does.
      boolean[] over = {false};
      ScheduledFuture<?> timer =
          getProcessingTimeService().registerTimer(until, time -> over[0] = true);
      while (elements > 0 && !over[0]) {
        mailbox.yield();
      }
      timer.cancel(false);
    }
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    List<IN> open = new ArrayList<>();
    for (Slot<IN, OUT> slot : slots) {
      if (slot instanceof Slot.Element<IN, OUT> element && !element.left) {
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
      for (WorkerThread<IN, OUT> worker : workers) {
        worker.close();
      }
    }
    super.close();
  }
}
