package io.spanfold.clock;

import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Keeps the clock of a source subtask going where the source itself has nothing to say: all its
 * splits are idle, as after a restore without new input. It then goes on by the wall from the last
 * watermark, which it keeps in state. Where it has none, as no record was ever read or the job got
 * more subtasks, it says that it is idle, so that it does not hold the others back.
 *
 * <p>The state is dealt out, not shared with all: union state would keep Flink from taking
 * checkpoints once one subtask of a bounded source has finished.
 *
 * <p>It also sees to it that the end of input ends record time: Flink drops the last watermark of a
 * source that is idle.
 *
 * @param <T> the elements, which pass
 */
public final class ClockOperator<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T>, BoundedOneInput {

  private static final long serialVersionUID = 1L;

  private static final long TICK_MILLIS = 1_000;
  private static final long NONE = Long.MIN_VALUE;

  private transient ListState<Long> saved;
  private transient long current;
  private transient boolean sourceIdle;
  private transient long tickedAt;

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    saved =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("watermark", LongSerializer.INSTANCE));
    current = NONE;
    for (long watermark : saved.get()) {
      current = current == NONE ? watermark : Math.min(current, watermark);
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    startTicking();
  }

  private void startTicking() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    getProcessingTimeService().registerTimer(now + TICK_MILLIS, this::tick);
  }

  private void tick(long time) {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    if (sourceIdle && current != NONE) {
      current += Math.max(0, now - tickedAt);
      tickedAt = now;
      output.emitWatermark(new Watermark(current));
    }
    startTicking();
  }

  @Override
  public void processElement(StreamRecord<T> element) {
    output.collect(element);
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (mark.equals(Watermark.MAX_WATERMARK)) {
      // Not kept: a job that is started from a drained savepoint goes on where record time was.
      super.processWatermark(mark);
      return;
    }
    // The clock may have gone on further by itself; watermarks never go back.
    if (mark.getTimestamp() > current) {
      current = mark.getTimestamp();
      super.processWatermark(mark);
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    sourceIdle = status.isIdle();
    tickedAt = getProcessingTimeService().getCurrentProcessingTime();
    if (status.isActive() || current == NONE) {
      super.processWatermarkStatus(status);
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    saved.clear();
    if (current != NONE) {
      saved.add(current);
    }
  }

  @Override
  public void endInput() {
    output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
    output.emitWatermark(Watermark.MAX_WATERMARK);
  }
}
