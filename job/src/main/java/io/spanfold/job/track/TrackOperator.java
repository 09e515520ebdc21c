package io.spanfold.job.track;

import io.spanfold.core.fold.FoldOutput;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.fold.TraceFold;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.gate.RedisGate;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.resource.SharedResource;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.common.typeutils.base.array.LongPrimitiveArraySerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.CheckpointableKeyedStateBackend;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Runs {@link TraceFold} on keyed state, and serves what is due as record time advances. What is
 * due when is kept on the heap ({@link TraceStore}), not in timers of Flink.
 *
 * <p>A large step of the clock makes many parts due. They are served in slices, between which the
 * input has its turn, so that barriers pass: a step is not one long pause without checkpoints, and
 * its parts are spread over the transactions of several. The watermark is forwarded after the last
 * slice. Between two slices the clock is where the served traces are, not at the watermark: only
 * then does the fold see each trace as of one time.
 */
public final class TrackOperator extends AbstractStreamOperator<FlushRequest>
    implements OneInputStreamOperator<StoredTrace, FlushRequest>, FoldOutput {

  private static final long serialVersionUID = 1L;

  /** How long due traces are served before the input has its turn. */
  private static final Duration SLICE = Duration.ofMillis(100);

  /**
   * How long the input has its turn: enough for hundreds of elements, which may be in front of a
   * barrier, and little if there are none.
   */
  private static final long INPUT_TURN_MILLIS = 10;

  /**
   * How long spans wait after a restore if no watermark comes: a multiple of the time in which the
   * stage before empties itself, and short enough for what comes meanwhile to have room.
   */
  static final long RESUME_MILLIS = 10_000;

  private final FoldSettings settings;
  private final RedisGateSettings guardSettings;
  private final TraceStore.Limits limits;
  private final Duration slice;

  private transient SharedResource.Share<RedisGate> guard;
  private transient TraceStore traces;
  private transient TraceFold smallFold;
  private transient TraceFold largeFold;
  private transient Counter spans;
  private transient Counter duplicates;
  private transient Counter late;
  private transient Counter early;
  private transient Map<FlushReason, Counter> parts;

  /** The record time up to which all that was due was served. */
  private transient long clock;

  /**
   * Whether spans wait because the job was restored. What was on its way to this operator at the
   * checkpoint comes before the first watermark, and after rescaling along other ways than later
   * spans of its trace; so until that watermark spans wait, to be folded in the order of the
   * source.
   */
  private transient boolean isResuming;

  /** Whether there is a timer that ends the wait if no watermark does. */
  private transient boolean resumeIsBounded;

  /** The latest watermark, until all that is due at it is served; null for none. */
  private transient Watermark pending;

  /** The first and the last key group of each subtask, and its clock. */
  private transient ListState<long[]> savedClocks;

  /**
   * How many spans are in state. Kept separately, because counting them would read all of it. After
   * rescaling only the sum over all subtasks is right.
   */
  private transient long buffered;

  private transient ListState<Long> savedBuffered;

  /**
   * @param guard monitors Redis: while it is nearly full, parts are due by reason {@code pressure}
   */
  public TrackOperator(FoldSettings settings, RedisGateSettings guard) {
    this(settings, guard, TraceStore.Limits.DEFAULT, SLICE);
  }

  TrackOperator(
      FoldSettings settings, RedisGateSettings guard, TraceStore.Limits limits, Duration slice) {
    this.settings = settings;
    this.guardSettings = guard;
    this.limits = limits;
    this.slice = slice;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    savedBuffered =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("spans-buffered", LongSerializer.INSTANCE));
    CheckpointableKeyedStateBackend<TraceKey> backend =
        (CheckpointableKeyedStateBackend<TraceKey>) this.<TraceKey>getKeyedStateBackend();
    int maxParallelism = getRuntimeContext().getTaskInfo().getMaxNumberOfParallelSubtasks();
    traces = new TraceStore(context.getKeyedStateStore(), backend, maxParallelism, limits);
    if (context.isRestored()) {
      traces.restore();
    }
    smallFold = new TraceFold(settings, traces.small(), this);
    largeFold = new TraceFold(settings, traces.large(), this);
    buffered = 0;
    for (long count : savedBuffered.get()) {
      buffered += count;
    }
    savedClocks =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>("clocks", LongPrimitiveArraySerializer.INSTANCE));
    clock = restoredClock();
    // Before a job has a time, nothing that comes late could end a part too early.
    isResuming = clock != Long.MIN_VALUE;
  }

  /**
   * Returns the clock before the restore, the earliest of the subtasks that had key groups of this
   * one; without it, the fold could not know which of the first spans are late.
   */
  private long restoredClock() throws Exception {
    KeyGroupRange range = keyGroups();
    long earliest = Long.MAX_VALUE;
    for (long[] saved : savedClocks.get()) {
      if (saved[0] <= range.getEndKeyGroup() && saved[1] >= range.getStartKeyGroup()) {
        earliest = Math.min(earliest, saved[2]);
      }
    }
    return earliest == Long.MAX_VALUE ? Long.MIN_VALUE : earliest;
  }

  private KeyGroupRange keyGroups() {
    return ((CheckpointableKeyedStateBackend<?>) getKeyedStateBackend()).getKeyGroupRange();
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    traces.beforeSnapshot();
    savedBuffered.update(List.of(buffered));
    KeyGroupRange range = keyGroups();
    savedClocks.update(
        List.of(new long[] {range.getStartKeyGroup(), range.getEndKeyGroup(), clock}));
  }

  @Override
  public void open() throws Exception {
    super.open();
    guard = RedisGate.open(guardSettings);
    spans = getMetricGroup().counter("spansTracked");
    duplicates = getMetricGroup().counter("duplicateSpans");
    late = getMetricGroup().counter("spansLate");
    early = getMetricGroup().counter("spansAhead");
    getMetricGroup().gauge("spansBuffered", this::spansBuffered);
    getMetricGroup().gauge("tracesTracked", () -> traces.size());
    getMetricGroup().gauge("traceHeapBytes", () -> traces.heapBytes());
    parts = new EnumMap<>(FlushReason.class);
    for (FlushReason reason : FlushReason.values()) {
      parts.put(reason, getMetricGroup().addGroup("reason", reason.label()).counter("partsDue"));
    }
  }

  @Override
  public void processElement(StreamRecord<StoredTrace> record) throws Exception {
    StoredTrace trace = record.getValue();
    spans.inc(trace.spans().size());
    buffered += trace.spans().size();
    TraceFold fold = traces.open(trace) ? largeFold : smallFold;
    if (isResuming) {
      boundResume();
      fold.hold(trace, clock);
    } else {
      fold.add(trace, clock);
    }
    traces.close();
  }

  /** No watermark comes while a partition holds the others back, which may take minutes. */
  private void boundResume() {
    if (!resumeIsBounded) {
      resumeIsBounded = true;
      long now = getProcessingTimeService().getCurrentProcessingTime();
      getProcessingTimeService().registerTimer(now + RESUME_MILLIS, time -> endResume());
    }
  }

  private void endResume() throws Exception {
    if (isResuming) {
      // A time that was reached before the restore.
      processWatermark(new Watermark(clock));
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    isResuming = false;
    boolean serving = pending != null;
    pending = mark;
    if (!serving) {
      serveSlice();
    }
  }

  private void serveSlice() throws Exception {
    long until = System.nanoTime() + slice.toNanos();
    if (!serve(() -> System.nanoTime() - until >= 0)) {
      // A timer, because input is processed one element at a time while there is mail.
      long now = getProcessingTimeService().getCurrentProcessingTime();
      getProcessingTimeService().registerTimer(now + INPUT_TURN_MILLIS, time -> serveSlice());
    }
  }

  /** Serves what is due at the pending watermark. Returns whether all of it was served. */
  private boolean serve(BooleanSupplier stop) throws Exception {
    long time = pending.getTimestamp();
    while (traces.isDue(time)) {
      serve(traces.pollDue(time));
      if (stop.getAsBoolean()) {
        return false;
      }
    }
    Watermark reached = pending;
    pending = null;
    if (!isEnd(reached)) {
      // A restored clock may be ahead of the partitions that are read again.
      clock = Math.max(clock, reached.getTimestamp());
    }
    output.emitWatermark(reached);
    return true;
  }

  /** The end of the input is no time: a job that starts from its savepoint goes on before it. */
  private static boolean isEnd(Watermark mark) {
    return mark.getTimestamp() == Watermark.MAX_WATERMARK.getTimestamp();
  }

  /** The end of the input follows its watermark at once, so the rest is one slice. */
  @Override
  public void finish() throws Exception {
    if (pending != null) {
      serve(() -> false);
    }
    super.finish();
  }

  private void serve(TimingWheel.Entry due) throws IOException {
    if (!isEnd(pending)) {
      clock = Math.max(clock, due.time());
    }
    if (due instanceof SegmentTimer timer) {
      serve(timer.trace, due.time(), timer);
    } else {
      serve((TrackedTrace) due, due.time(), null);
    }
  }

  /**
   * @param timer of a segment of a large trace; null for all of a small trace that is due, or for
   *     early spans
   */
  private void serve(TrackedTrace trace, long time, SegmentTimer timer) throws IOException {
    if (trace.forgotten) {
      return;
    }
    if (trace.remembered) {
      traces.forget(trace);
      return;
    }
    TraceFold fold = traces.open(trace) ? largeFold : smallFold;
    if (traces.areEarlySpansDue(time)) {
      // First, because they may join parts that are due at the same time.
      fold.addEarly(trace.key, time);
    }
    if (timer != null) {
      serve(fold, trace.key, timer.segment, time);
    } else {
      for (long segment : traces.dueSegments(time)) {
        serve(fold, trace.key, segment, time);
      }
    }
    traces.close();
  }

  private void serve(TraceFold fold, TraceKey trace, long segment, long time) {
    if (isEnd(pending)) {
      fold.onTimer(trace, segment, time, FlushReason.END);
    } else if (guard.get().underPressure()) {
      fold.onTimer(trace, segment, time, FlushReason.PRESSURE);
    } else {
      fold.onTimer(trace, segment, time);
    }
  }

  @Override
  public void close() throws Exception {
    if (guard != null) {
      guard.close();
    }
    super.close();
  }

  long clock() {
    return clock;
  }

  long spansBuffered() {
    return buffered;
  }

  /** Returns whether nothing is known of any trace. */
  boolean isIdle() {
    return traces.isEmpty();
  }

  @Override
  public void due(DuePart part) {
    buffered -= part.spanCount();
    parts.get(part.reason()).inc();
    output.collect(new StreamRecord<>(part));
  }

  /** Follows the parts through the flush: an earlier one may still have to load the payload. */
  @Override
  public void discard(Discard discard) {
    output.collect(new StreamRecord<>(discard));
  }

  @Override
  public void duplicate() {
    duplicates.inc();
    buffered--;
  }

  @Override
  public void setTimer(long segment, long time) {
    traces.setTimer(segment, time);
  }

  @Override
  public void late() {
    late.inc();
  }

  @Override
  public void early(int count) {
    early.inc(count);
  }

  /** When early spans are due is part of their state. */
  @Override
  public void setReorderTimer(long time) {}
}
