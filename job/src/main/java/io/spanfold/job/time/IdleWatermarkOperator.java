package io.spanfold.job.time;

import io.spanfold.core.model.ClockSnapshot;
import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.resource.SharedResource;
import io.spanfold.job.serialization.StateType;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.IOUtils;

/**
 * Keeps the clock of a source subtask going where the source itself has nothing to say: all its
 * splits are idle, as after a restore without new input. It then goes on by the wall from the last
 * watermark, which it keeps in state; not while nothing can be read. Where it has none, as no
 * record was ever read or the job got more subtasks, it says that it is idle, so that it does not
 * hold the others back.
 *
 * <p>After a restore it also makes up for the time that the job was down, once it is certain that
 * there is no backlog: there is nothing to read, and has not been for half a minute. Producers that
 * were cut off together with the job need that time to send what they hold. Where there is a
 * backlog, record time is what the backlog says.
 *
 * <p>While Redis is full it goes on by the wall in any case, so that what is buffered becomes due
 * and makes room.
 *
 * <p>The state is dealt out, not shared with all: union state would keep Flink from taking
 * checkpoints once one subtask of a bounded source has finished.
 *
 * <p>It also sees to it that the end of input ends record time: Flink drops the last watermark of a
 * source that is idle.
 *
 * @param <T> the elements, which pass
 */
public final class IdleWatermarkOperator<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T>, BoundedOneInput {

  private static final long serialVersionUID = 1L;

  private static final long TICK_MILLIS = 1_000;
  private static final long NONE = Long.MIN_VALUE;

  private transient ListState<ClockSnapshot> saved;

  private transient SharedResource.Share<ReadingStatus> reading;
  private transient SharedResource.Share<AdoptionStatus> adoption;
  private transient long current;

  /** The time of the earliest record, as long as there is no watermark. */
  private transient long earliest;

  /** The time of the latest record. */
  private transient long latest;

  private transient boolean sourceIdle;
  private transient long tickedAt;

  /** For how long the job was down when it was restored, as far as that was not made up for. */
  private transient long behind;

  private transient long savedAt;

  private transient long silent;

  /** What was restored is told once, as the first thing. */
  private transient boolean told;

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    saved =
        context
            .getOperatorStateStore()
            .getListState(
                new ListStateDescriptor<>("clock", StateType.CLOCK_SNAPSHOT.serializer()));
    current = NONE;
    earliest = NONE;
    latest = NONE;
    for (ClockSnapshot clock : saved.get()) {
      if (current == NONE || clock.watermark() < current) {
        current = clock.watermark();
        latest = clock.latestRecord();
        savedAt = clock.wallClock();
      }
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    reading = ReadingStatus.open(getMetricGroup());
    adoption = AdoptionStatus.open(getMetricGroup());
    tickedAt = getProcessingTimeService().getCurrentProcessingTime();
    behind = current == NONE ? 0 : Math.max(0, tickedAt - savedAt);
    getProcessingTimeService().registerTimer(tickedAt, this::tick);
  }

  private void tick(long time) {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    long passed = Math.max(0, now - tickedAt);
    tickedAt = now;
    if (current == NONE) {
      begin(passed);
    }
    if (current != NONE) {
      long on = goesOn(passed);
      if (on > 0 || !told) {
        told = true;
        current += on;
        output.emitWatermark(new Watermark(current));
      }
    }
    getProcessingTimeService().registerTimer(now + TICK_MILLIS, this::tick);
  }

  /** Lets the clock begin where the source would not. */
  private void begin(long passed) {
    boolean pressed = reading.get().underPressure();
    if (pressed && earliest != NONE) {
      // A split without a record may hold the watermark back for good, as nothing is read now.
      current = earliest;
    } else if (adoption.get().begunAt() != AdoptionStatus.NEVER
        && reading.get().hasPartitions()
        && (pressed || isSilent(passed))) {
      // What was adopted has no record that would ever make it due. It is all in state by now, as
      // partitions are only read after that.
      current = adoption.get().begunAt();
      output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
    }
  }

  /** Returns whether there has been nothing to read for so long that there is no backlog. */
  private boolean isSilent(long passed) {
    goesOn(passed);
    return silent >= AdvancingWatermarks.CERTAIN_MILLIS && reading.get().hasNothingKnownToBeNew();
  }

  /** Returns by how much the clock goes on by itself when {@code passed} has passed by the wall. */
  private long goesOn(long passed) {
    if (reading.get().underPressure()) {
      return passed;
    }
    if (!sourceIdle || !reading.get().canReadAll()) {
      silent = 0;
      return 0;
    }
    if (passed > TICK_MILLIS + AdvancingWatermarks.STALL_MILLIS) {
      // The task stood still, and does not know what could be read meanwhile.
      silent = 0;
      behind += passed;
      return 0;
    }
    silent += passed;
    long madeUp = 0;
    if (reading.get().hasNothingNew()) {
      // A source that reads a backlog fast reads minutes between two watermarks. Where the job was
      // restored from in between, none of that is read again.
      madeUp = latest > current ? latest - 1 - current : 0;
      if (behind > 0 && silent >= AdvancingWatermarks.CERTAIN_MILLIS) {
        madeUp += behind;
        behind = 0;
      }
    }
    return passed + madeUp;
  }

  @Override
  public void processElement(StreamRecord<T> element) {
    if (current == NONE && (earliest == NONE || element.getTimestamp() < earliest)) {
      earliest = element.getTimestamp();
    }
    latest = Math.max(latest, element.getTimestamp());
    output.collect(element);
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (mark.equals(Watermark.MAX_WATERMARK)) {
      // Not kept: a job that is started from a drained savepoint goes on where record time was.
      super.processWatermark(mark);
      return;
    }
    // A record was read, so record time is known again.
    behind = 0;
    // The clock may have gone on further by itself; watermarks never go back.
    if (mark.getTimestamp() > current) {
      told = true;
      current = mark.getTimestamp();
      super.processWatermark(mark);
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    sourceIdle = status.isIdle();
    silent = 0;
    tickedAt = getProcessingTimeService().getCurrentProcessingTime();
    if (status.isActive() || current == NONE) {
      super.processWatermarkStatus(status);
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    saved.clear();
    long reached = current == NONE ? earliest : current;
    if (reached != NONE) {
      long now = getProcessingTimeService().getCurrentProcessingTime();
      saved.add(new ClockSnapshot(reached, Math.max(latest, reached), now - behind));
    }
  }

  @Override
  public void endInput() {
    output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
    output.emitWatermark(Watermark.MAX_WATERMARK);
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(adoption, reading);
    super.close();
  }
}
