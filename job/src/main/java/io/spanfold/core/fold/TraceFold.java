package io.spanfold.core.fold;

import io.spanfold.core.fold.OpenPart.SpanIndexes;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Folds the spans of traces into segments, and decides which parts of them are due.
 *
 * <p>Spans are folded one by one, in the order in which they came. Before a span joins the segments
 * that it names, these are brought to the span's own timestamp: parts whose deadline is before it
 * are flushed, and a segment that is no longer remembered then is forgotten. So the result is that
 * of a clock that follows the record timestamps exactly; it does not depend on the batching of
 * spans or on how far the real clock is.
 *
 * <p>A span that is late, by the rule of {@link FoldSettings#effectiveTime}, counts as sent when it
 * came. So it joins what is open by then, and no timestamp, however old, ends a part of other spans
 * or the memory of their segment.
 *
 * <p>The order is that of the source's partitions. Because these are read concurrently, spans ahead
 * of the clock may have to wait ({@link ReorderBuffer}).
 *
 * <p>The cost of a span does not depend on the size of its trace. Not safe for concurrent use.
 * {@link FoldState} must be that of the trace which a call names.
 */
public final class TraceFold {

  private static final long TIMER_STEP = 100;

  private final FoldSettings settings;
  private final FoldState state;
  private final FoldOutput output;
  private final SegmentForest forest;
  private final SliceLists slices;
  private final ReorderBuffer early;

  private TraceKey trace;
  private long clock;

  /** The subsegments of the batch that is being folded. */
  private BatchSubsegment[] subsegments = {};

  public TraceFold(FoldSettings settings, FoldState state, FoldOutput output) {
    this.settings = settings;
    this.state = state;
    this.output = output;
    this.forest = new SegmentForest(state);
    this.slices = new SliceLists(state);
    this.early = new ReorderBuffer(state, output);
  }

  /**
   * Folds one trace's share of a batch.
   *
   * @param batch the spans and the subsegments that hold them
   * @param now the clock: the record time that is known to be reached, in milliseconds
   */
  public void add(StoredTrace batch, long now) {
    begin(batch.trace(), now);
    fold(batch);
    finishBatch();
  }

  /**
   * Keeps the spans of one trace's share of a batch as early spans, which {@link #addEarly} folds
   * in the order of their partitions. For spans that may have come in another order.
   *
   * @param batch the spans and the subsegments that hold them
   * @param until the clock's time that they wait for
   */
  public void hold(StoredTrace batch, long until) {
    begin(batch.trace(), until);
    beginBatch(batch);
    for (int row = 0; row < batch.spans().size(); row++) {
      early.add(row, until);
    }
    finishBatch();
  }

  /**
   * Folds the trace's early spans; those that have to wait longer become early spans again.
   *
   * @param key the trace
   * @param now the clock
   */
  public void addEarly(TraceKey key, long now) {
    List<EarlySpans> all = state.takeEarlySpans();
    if (all.isEmpty()) {
      return;
    }
    begin(key, now);
    fold(EarlySpans.inOrder(key, all));
    for (BatchSubsegment each : subsegments) {
      // Not earlier: while it counts as a waiting slice, no other slice is the last one.
      each.slicesWaiting = slices.release(each.subsegment.id());
    }
    finishBatch();
  }

  private void fold(StoredTrace batch) {
    beginBatch(batch);
    SpanColumns spans = batch.spans();
    for (int row = 0; row < spans.size(); row++) {
      subsegments[spans.subsegment(row)].rows++;
    }
    int incomplete = 0;
    List<OpenSegment> full = new ArrayList<>();
    for (int row = 0; row < spans.size(); row++) {
      BatchSubsegment subsegment = subsegments[spans.subsegment(row)];
      if (subsegment.rowsFolded == 0) {
        incomplete++;
      }
      OpenSegment segment = addSpan(spans, row);
      if (segment != null && segment.open.full(settings)) {
        full.add(segment);
      }
      subsegment.rowsFolded++;
      if (subsegment.rowsFolded == subsegment.rows) {
        incomplete--;
      }
      // Only between subsegments, so that none is divided for its size alone.
      if (incomplete == 0 && !full.isEmpty()) {
        full.forEach(this::closeIfFull);
        full.clear();
      }
    }
    endLarge();
  }

  private void beginBatch(StoredTrace batch) {
    subsegments =
        batch.subsegments().stream().map(BatchSubsegment::new).toArray(BatchSubsegment[]::new);
    early.begin(batch.spans(), subsegments);
  }

  private void finishBatch() {
    keepSlices();
    early.save();
    for (BatchSubsegment each : subsegments) {
      if (each.slicesWaiting > 1) {
        state.putReferenceCount(each.subsegment.id(), each.slicesWaiting);
      } else if (each.slicesWaiting == 0 && !each.released) {
        output.discard(new Discard(trace, each.subsegment, clock));
      }
    }
    finish();
  }

  /**
   * Serves a segment's timer: flushes the parts that are due because their deadlines have passed,
   * and forgets the segment if it has none and its memory ends.
   *
   * @param key the trace
   * @param representative the segment, as named to {@link FoldOutput#setTimer}
   * @param now the time the timer was set for
   */
  public void onTimer(TraceKey key, long representative, long now) {
    onTimer(key, representative, now, this::deadlineReason);
  }

  /** The same if the clock is ahead of record time; {@code reason} says why. */
  public void onTimer(TraceKey key, long representative, long now, FlushReason reason) {
    onTimer(key, representative, now, (segment, part) -> reason);
  }

  private void onTimer(
      TraceKey key,
      long representative,
      long now,
      BiFunction<OpenSegment, OpenPart, FlushReason> reason) {
    begin(key, now);
    OpenSegment segment = forest.open(representative);
    if (segment == null) {
      return;
    }
    if (segment.timerAt <= now) {
      segment.timerAt = SegmentState.NO_TIMER;
    }
    for (OpenPart part : segment.parts()) {
      if (part.deadline(settings, segment.rootKnown) <= now) {
        flush(segment, part, reason.apply(segment, part));
      }
    }
    if (!segment.hasParts() && segment.rememberUntil <= now) {
      forest.forget(segment);
    }
    finish();
  }

  private FlushReason deadlineReason(OpenSegment segment, OpenPart part) {
    return part.reason(settings, segment.rootKnown);
  }

  private void begin(TraceKey key, long now) {
    trace = key;
    clock = now;
  }

  private void finish() {
    for (OpenSegment segment : forest.touched()) {
      setTimer(segment);
    }
    forest.save();
  }

  /** Returns the segment that the span joined; null if it is a duplicate or waits. */
  private OpenSegment addSpan(SpanColumns spans, int row) {
    long spanId = spans.spanId(row);
    long parentId = spans.parentId(row);
    long time = settings.effectiveTime(spans.timestamp(row), clock);
    if (early.holds(row)) {
      early.add(row);
      return null;
    }
    OpenSegment own = forest.find(spanId);
    long until = certainAt(own, time);
    if (until > clock) {
      early.add(row, until);
      return null;
    }
    own = asOf(time, own);
    if (own != null && forest.seen(spanId)) {
      output.duplicate();
      return null;
    }
    OpenSegment segment;
    if (spans.root(row)) {
      segment = asRoot(spanId, own);
    } else {
      OpenSegment above = parentId == spanId ? own : forest.find(parentId);
      until = certainAt(above, time);
      if (until > clock) {
        early.add(row, until);
        return null;
      }
      segment = below(parentId, spanId, own, asOf(time, above));
    }
    join(segment, spans, row, time);
    return segment;
  }

  /**
   * Returns the clock's time from which it is certain what a span of this timestamp ends: that the
   * parts whose deadline is before it are complete, and that a segment not remembered at that time
   * is forgotten. {@link Long#MIN_VALUE} if the span ends nothing.
   */
  private long certainAt(OpenSegment segment, long timestamp) {
    long certain = Long.MIN_VALUE;
    if (segment == null) {
      return certain;
    }
    if (!segment.hasParts()) {
      return segment.rememberUntil < timestamp ? segment.rememberUntil : certain;
    }
    for (OpenPart part : segment.parts()) {
      long deadline = part.deadline(settings, segment.rootKnown);
      if (deadline < timestamp) {
        certain = Math.max(certain, deadline);
      }
    }
    return certain;
  }

  private OpenSegment asRoot(long spanId, OpenSegment own) {
    OpenSegment segment = own == null ? forest.create(spanId) : own;
    forest.markSeen(spanId);
    segment.rootKnown = true;
    flushClosed(segment);
    return segment;
  }

  private OpenSegment below(long parentId, long spanId, OpenSegment own, OpenSegment above) {
    if (own == null) {
      // Its own parent, but no root: it names its segment, as a missing parent does.
      if (parentId == spanId) {
        OpenSegment segment = forest.create(spanId);
        forest.markSeen(spanId);
        return segment;
      }
      OpenSegment segment = above == null ? forest.create(parentId) : above;
      forest.add(segment, spanId);
      return segment;
    }
    forest.markSeen(spanId);
    if (above == own) {
      return own; // The span closes a cycle of parents.
    }
    return merge(own, above == null ? forest.create(parentId) : above);
  }

  /** Brings a segment to {@code timestamp}. Returns null if it is unknown, or forgotten by then. */
  private OpenSegment asOf(long timestamp, OpenSegment segment) {
    if (segment == null) {
      return null;
    }
    for (OpenPart part : segment.parts()) {
      if (part.deadline(settings, segment.rootKnown) < timestamp) {
        flush(segment, part, deadlineReason(segment, part));
      }
    }
    if (segment.hasParts() || segment.rememberUntil >= timestamp && !isOver(segment)) {
      return segment;
    }
    forest.forget(segment);
    return null;
  }

  /**
   * Returns whether the memory of a segment without parts had ended when the clock last advanced:
   * its timer may be served later, when all segments of its trace are forgotten together.
   */
  private boolean isOver(OpenSegment segment) {
    return roundUpForTimer(segment.rememberUntil) <= clock;
  }

  private OpenSegment merge(OpenSegment below, OpenSegment above) {
    OpenSegment merged = forest.join(above, below);
    OpenSegment other = merged == above ? below : above;
    merged.name = above.name;
    merged.rootKnown = above.rootKnown;
    merged.nextPart = above.nextPart;
    merged.overflowed = above.overflowed || below.overflowed;
    merged.rememberUntil = Math.max(below.rememberUntil, above.rememberUntil);
    merged.closed.addAll(other.closed);
    if (merged.open == null) {
      merged.open = other.open;
    } else if (other.open != null && merged.open.overflowsWith(other.open, settings)) {
      // Many parts may merge within one batch, and a flush must be able to hold any part.
      merged.closed.add(other.open);
      merged.overflowed = true;
    } else if (other.open != null) {
      merged.open.slices(slices.join(merged.open.slices(), other.open.slices()));
      merged.open.absorb(other.open);
    }
    if (merged.rootKnown) {
      flushClosed(merged);
    }
    return merged;
  }

  private void join(OpenSegment segment, SpanColumns spans, int row, long time) {
    if (time != spans.timestamp(row)) {
      output.late();
    }
    if (segment.open == null) {
      segment.open = new OpenPart(time);
    }
    segment.open.add(
        time, spans.recordBytes(row), subsegments[spans.subsegment(row)], spans.index(row));
  }

  private void closeIfFull(OpenSegment candidate) {
    OpenSegment segment = forest.open(candidate.id);
    if (segment == null || segment.open == null || !segment.open.full(settings)) {
      // Flushed since, or merged into another segment, which is listed itself if it is full.
      return;
    }
    segment.closed.add(segment.open);
    segment.open = null;
    segment.overflowed = true;
    if (segment.rootKnown) {
      flushClosed(segment);
    }
  }

  /** Flushes and forgets segments that have too many ids, as if their time had come. */
  private void endLarge() {
    List<OpenSegment> large = new ArrayList<>();
    for (OpenSegment segment : forest.touched()) {
      if (segment.size > settings.maxIds()) {
        large.add(segment);
      }
    }
    for (OpenSegment segment : large) {
      segment.overflowed = true;
      for (OpenPart part : segment.parts()) {
        flush(segment, part, FlushReason.FULL);
      }
      forest.forget(segment);
    }
  }

  private void flushClosed(OpenSegment segment) {
    for (OpenPart part : List.copyOf(segment.closed)) {
      flush(segment, part, FlushReason.FULL);
    }
  }

  private void flush(OpenSegment segment, OpenPart part, FlushReason reason) {
    segment.remove(part);
    long deadline = part.deadline(settings, segment.rootKnown);
    segment.rememberUntil =
        Math.max(segment.rememberUntil, FoldSettings.plus(deadline, settings.lateGrace()));
    List<Slice> taken = slices.take(part.slices());
    part.taken().forEach((subsegment, spans) -> taken.add(leaving(subsegment, spans)));
    output.due(
        new DuePart(
            trace,
            segment.name,
            segment.nextPart++,
            reason,
            reason == FlushReason.FULL ? part.last() : deadline,
            segment.overflowed,
            List.copyOf(taken)));
  }

  /** Returns a slice that leaves in the same batch that brought it. */
  private Slice leaving(BatchSubsegment from, SpanIndexes spans) {
    int[] indexes = spans.unlessAll(from.subsegment.spanCount());
    from.released = indexes == null;
    return new Slice(from.subsegment, indexes, from.released);
  }

  /** Writes the open parts' slices of this batch into state. */
  private void keepSlices() {
    for (OpenSegment segment : forest.touched()) {
      for (OpenPart part : segment.parts()) {
        part.taken().forEach((subsegment, spans) -> part.slices(keep(part, subsegment, spans)));
        part.taken().clear();
      }
    }
  }

  private SegmentState.SliceList keep(OpenPart part, BatchSubsegment from, SpanIndexes spans) {
    from.slicesWaiting++;
    int[] indexes = spans.unlessAll(from.subsegment.spanCount());
    // No two slices of a subsegment have the same first span.
    long key = from.subsegment.id() + (indexes == null ? 0 : indexes[0]) * 0x9E3779B97F4A7C15L;
    return slices.with(part.slices(), key, new SliceState(from.subsegment, indexes, key, true));
  }

  private void setTimer(OpenSegment segment) {
    long next = Long.MAX_VALUE;
    for (OpenPart part : segment.parts()) {
      next = Math.min(next, part.deadline(settings, segment.rootKnown));
    }
    if (!segment.hasParts()) {
      next = segment.rememberUntil;
    }
    long at = roundUpForTimer(next);
    // A part's timer may be too early. That of a segment without parts is exact.
    if (at < segment.timerAt || !segment.hasParts() && at != segment.timerAt) {
      segment.timerAt = at;
      output.setTimer(segment.id, at);
    }
  }

  /** Returns the next tenth of a second: one timer then serves deadlines that differ by little. */
  private static long roundUpForTimer(long time) {
    long rest = Math.floorMod(time, TIMER_STEP);
    return rest == 0 ? time : FoldSettings.plus(time, TIMER_STEP - rest);
  }
}
