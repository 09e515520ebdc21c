package io.spanfold.job.track;

import io.spanfold.core.fold.FoldOutput;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.fold.TraceFold;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.memory.RedisMemoryMonitor;
import io.spanfold.job.memory.RedisMemoryMonitorSettings;
import io.spanfold.job.resource.SharedResource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Runs {@link TraceFold} on keyed state. A segment has its own event-time timer, by way of the
 * timers' namespace: so serving one costs the same however many segments its trace has, which a
 * timer a trace would not.
 */
public final class TrackOperator extends AbstractStreamOperator<DuePart>
    implements OneInputStreamOperator<StoredTrace, DuePart>,
        Triggerable<TraceKey, Long>,
        FoldOutput {

  private static final long serialVersionUID = 1L;

  /** In place of a segment. Should there be one that has this id, it is served as well. */
  private static final long AHEAD = Long.MIN_VALUE;

  private static final int FORMAT = 2;

  private final FoldSettings settings;
  private final RedisMemoryMonitorSettings guardSettings;
  private final int maxWholeBytes;

  private transient SharedResource.Share<RedisMemoryMonitor> guard;
  private transient KeyedFoldState state;
  private transient TraceFold fold;
  private transient InternalTimerService<Long> timers;
  private transient Counter spans;
  private transient Counter duplicates;
  private transient Counter ahead;
  private transient Map<FlushReason, Counter> parts;

  /**
   * How many spans are in state. Kept beside it, as counting them would mean reading all of it;
   * after rescaling only the sum over all subtasks is right.
   */
  private transient long buffered;

  private transient ListState<Long> savedBuffered;

  /** Tells the savepoints in which a trace may be one value from those of before. */
  private transient ListState<Integer> savedFormat;

  /**
   * Makes an operator.
   *
   * @param settings by which it folds
   * @param guard knows whether Redis is full, so that what becomes due does so for that
   */
  public TrackOperator(FoldSettings settings, RedisMemoryMonitorSettings guard) {
    this(settings, guard, KeyedFoldState.MAX_WHOLE_BYTES);
  }

  TrackOperator(FoldSettings settings, RedisMemoryMonitorSettings guard, int maxWholeBytes) {
    this.settings = settings;
    this.guardSettings = guard;
    this.maxWholeBytes = maxWholeBytes;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    savedBuffered =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("spans-buffered", LongSerializer.INSTANCE));
    savedFormat =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("fold-format", IntSerializer.INSTANCE));
    state = new KeyedFoldState(context.getKeyedStateStore(), maxWholeBytes);
    if (context.isRestored() && !savedFormat.get().iterator().hasNext()) {
      KeyedFoldState.markAllInEntries(getKeyedStateBackend());
    }
    buffered = 0;
    for (long count : savedBuffered.get()) {
      buffered += count;
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    savedBuffered.update(List.of(buffered));
    savedFormat.update(List.of(FORMAT));
  }

  @Override
  public void open() throws Exception {
    super.open();
    guard = RedisMemoryMonitor.open(guardSettings);
    timers = getInternalTimerService("deadlines", LongSerializer.INSTANCE, this);
    fold = new TraceFold(settings, state, this);
    spans = getMetricGroup().counter("spansTracked");
    duplicates = getMetricGroup().counter("duplicateSpans");
    ahead = getMetricGroup().counter("spansAhead");
    getMetricGroup().gauge("spansBuffered", this::spansBuffered);
    parts = new EnumMap<>(FlushReason.class);
    for (FlushReason reason : FlushReason.values()) {
      parts.put(reason, getMetricGroup().addGroup("reason", reason.label()).counter("partsDue"));
    }
  }

  @Override
  public void processElement(StreamRecord<StoredTrace> record) {
    StoredTrace trace = record.getValue();
    spans.inc(trace.spans().size());
    buffered += trace.spans().size();
    state.begin();
    fold.add(trace, timers.currentWatermark());
    state.save();
  }

  @Override
  public void onEventTime(InternalTimer<TraceKey, Long> timer) {
    state.begin();
    fold.onTimer(timer.getKey(), timer.getNamespace(), timer.getTimestamp(), reason());
    if (timer.getNamespace() == AHEAD) {
      fold.addAhead(timer.getKey(), timer.getTimestamp());
    }
    state.save();
  }

  /** Returns why parts are due where it is not their deadline alone; null where it is. */
  private FlushReason reason() {
    if (timers.currentWatermark() == Watermark.MAX_WATERMARK.getTimestamp()) {
      return FlushReason.END;
    }
    return guard.get().underPressure() ? FlushReason.PRESSURE : null;
  }

  @Override
  public void onProcessingTime(InternalTimer<TraceKey, Long> timer) {
    throw new IllegalStateException("no timer of processing time is ever set");
  }

  @Override
  public void close() throws Exception {
    if (guard != null) {
      guard.close();
    }
    super.close();
  }

  long spansBuffered() {
    return buffered;
  }

  @Override
  public void due(DuePart part) {
    buffered -= part.spanCount();
    if (part.spanCount() > 0) {
      parts.get(part.reason()).inc();
    }
    output.collect(new StreamRecord<>(part));
  }

  @Override
  public void duplicate() {
    duplicates.inc();
    buffered--;
  }

  @Override
  public void setTimer(long segment, long time) {
    timers.registerEventTimeTimer(segment, time);
  }

  @Override
  public void ahead(int count) {
    ahead.inc(count);
  }

  @Override
  public void setAheadTimer(long time) {
    // Not by a timer service of its own: at the end of input each serves all its timers in turn.
    timers.registerEventTimeTimer(AHEAD, time);
  }
}
