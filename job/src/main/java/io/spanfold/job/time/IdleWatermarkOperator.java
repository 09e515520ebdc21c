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
 * Advances the clock of a source subtask while all its splits are idle, as after a restore without
 * new input. The watermark then advances with the wall clock from the last watermark, which is kept
 * in state, but not while nothing can be read. Without a last watermark, because no record was ever
 * read or the job got more subtasks, this subtask is idle and does not hold back the others.
 *
 * <p>After a restore the watermark also catches up with the time that the job was down, once it is
 * certain that there is no backlog: there has been nothing to read for half a minute. Producers
 * that were cut off together with the job need that time to send what they hold. If there is a
 * backlog, its records determine record time.
 *
 * <p>While Redis is full the watermark advances with the wall clock in any case, so that buffered
 * parts become due and make room.
 *
 * <p>The state is split, not union state, which would stop Flink's checkpoints once a subtask of a
 * bounded source has finished.
 *
 * <p>At the end of input it emits the maximum watermark, which Flink drops if the source is idle.
 *
 * @param <T> the elements, which are forwarded
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

  /** The time of the earliest record while there is no watermark. */
  private transient long earliest;

  /** The time of the latest record. */
  private transient long latest;

  private transient boolean sourceIdle;
  private transient long tickedAt;

  /** How long the job was down before the restore, less what the watermark has caught up. */
  private transient long behind;

  private transient long savedAt;

  /** How long there has been nothing to read. */
  private transient long silent;

  /** Whether a watermark was emitted; a restored one is emitted first. */
  private transient boolean emitted;

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
      initialize(passed);
    }
    if (current != NONE) {
      long advance = advance(passed);
      if (advance > 0 || !emitted) {
        emitted = true;
        current += advance;
        output.emitWatermark(new Watermark(current));
      }
    }
    getProcessingTimeService().registerTimer(now + TICK_MILLIS, this::tick);
  }

  /** Starts the clock if the source does not. */
  private void initialize(long passed) {
    boolean underPressure = reading.get().underPressure();
    if (underPressure && earliest != NONE) {
      // A split without a record may hold back the watermark forever, because nothing is read now.
      current = earliest;
    } else if (adoption.get().begunAt() != AdoptionStatus.NEVER
        && reading.get().hasPartitions()
        && (underPressure || isSilent(passed))) {
      // No record would ever make the adopted spans due. All of them are in state by now, because
      // partitions are read only after the adoption.
      current = adoption.get().begunAt();
      output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
    }
  }

  /** Returns whether there has been nothing to read for so long that there is no backlog. */
  private boolean isSilent(long passed) {
    advance(passed);
    return silent >= AdvancingWatermarks.CERTAIN_MILLIS && reading.get().hasNothingKnownToBeNew();
  }

  /** Returns the advance of the watermark after {@code passed} of wall-clock time. */
  private long advance(long passed) {
    if (reading.get().underPressure()) {
      return passed;
    }
    if (!sourceIdle || !reading.get().canReadAll()) {
      silent = 0;
      return 0;
    }
    if (passed > TICK_MILLIS + AdvancingWatermarks.STALL_MILLIS) {
      // The task stalled, so it is unknown whether records could be read in the meantime.
      silent = 0;
      behind += passed;
      return 0;
    }
    silent += passed;
    long caughtUp = 0;
    if (reading.get().hasNothingNew()) {
      // A source reads minutes of a backlog between two watermarks. If the job was restored from
      // in between, none of that is read again.
      caughtUp = latest > current ? latest - 1 - current : 0;
      if (behind > 0 && silent >= AdvancingWatermarks.CERTAIN_MILLIS) {
        caughtUp += behind;
        behind = 0;
      }
    }
    return passed + caughtUp;
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
      // Not kept: a job that starts from a drained savepoint continues at the record time before.
      super.processWatermark(mark);
      return;
    }
    // A record was read, so record time is known again.
    behind = 0;
    // The watermark may have advanced further already, and never goes back.
    if (mark.getTimestamp() > current) {
      emitted = true;
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
