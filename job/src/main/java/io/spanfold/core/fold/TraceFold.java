package io.spanfold.core.fold;

import io.spanfold.core.fold.OpenPart.SpanIndexes;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.List;

/**
 * Folds the spans of traces into segments, and decides which parts of them are due.
 *
 * <p>Spans are looked at one by one, in the order in which they came. Before a span joins the
 * segments that it names, what is over for them at the span's own timestamp is done: parts whose
 * deadline lies before it are flushed, and what need not be remembered any more is forgotten. So
 * the outcome is that of a clock that ran exactly along the record timestamps, and how spans were
 * batched or how far the real clock had come does not show.
 *
 * <p>The order is that of the source's partitions; as these are read side by side, what is ahead of
 * the clock may have to wait ({@link ReorderBuffer}).
 *
 * <p>Not safe for concurrent use. {@link FoldState} must be that of the trace which a call names.
 */
public final class TraceFold {

  private final FoldSettings settings;
  private final FoldState state;
  private final FoldOutput output;
  private final SegmentForest forest;
  private final SliceLists slices;
  private final ReorderBuffer ahead;

  private TraceKey trace;
  private long clock;

  /** The subsegments of the batch that is being folded. */
  private List<Subsegment> subsegments = List.of();

  /** How many slices of each wait, in parts or for the clock. */
  private int[] slicesWaiting = {};

  /** Whether a part has left that may delete it. */
  private boolean[] released = {};

  /**
   * Makes a fold that keeps what it knows in {@code state} and tells what it finds to {@code
   * output}.
   */
  public TraceFold(FoldSettings settings, FoldState state, FoldOutput output) {
    this.settings = settings;
    this.state = state;
    this.output = output;
    this.forest = new SegmentForest(state);
    this.slices = new SliceLists(state);
    this.ahead = new ReorderBuffer(state, output);
  }

  /**
   * Folds one trace's share of a batch.
   *
   * @param batch the spans and the subsegments that hold them
   * @param now the clock: how far record time is known to have come, in milliseconds
   */
  public void add(StoredTrace batch, long now) {
    add(batch, now, false);
  }

  /**
   * Folds what waited for the clock.
   *
   * @param key the trace
   * @param now the clock
   */
  public void addAhead(TraceKey key, long now) {
    List<EarlySpans> all = state.takeAhead();
    if (!all.isEmpty()) {
      add(EarlySpans.inOrder(key, all), now, true);
    }
  }

  private void add(StoredTrace batch, long now, boolean again) {
    begin(batch.trace(), now);
    ahead.begin(batch);
    subsegments = batch.subsegments();
    slicesWaiting = new int[subsegments.size()];
    released = new boolean[subsegments.size()];
    SpanColumns spans = batch.spans();
    int[] toCome = new int[subsegments.size()];
    for (int row = 0; row < spans.size(); row++) {
      toCome[spans.subsegment(row)]++;
    }
    int begun = 0;
    boolean[] isBegun = new boolean[subsegments.size()];
    List<OpenSegment> full = new ArrayList<>();
    for (int row = 0; row < spans.size(); row++) {
      int subsegment = spans.subsegment(row);
      if (!isBegun[subsegment]) {
        isBegun[subsegment] = true;
        begun++;
      }
      OpenSegment segment = addSpan(spans, row);
      if (segment != null && segment.open.full(settings)) {
        full.add(segment);
      }
      if (--toCome[subsegment] == 0) {
        begun--;
      }
      // Only between subsegments, so that none is divided for its size alone.
      if (begun == 0 && !full.isEmpty()) {
        full.forEach(this::closeIfFull);
        full.clear();
      }
    }
    endLarge();
    keepSlices();
    ahead.save(slicesWaiting);
    keepReferenceCounts(again);
    deleteDuplicates();
    finish();
  }

  /**
   * Serves a segment's timer.
   *
   * @param key the trace
   * @param representative the segment, as named to {@link FoldOutput#setTimer}
   * @param now the time it was set for
   * @param reason why parts are flushed that are due, or null to tell idle from old
   */
  public void onTimer(TraceKey key, long representative, long now, FlushReason reason) {
    begin(key, now);
    OpenSegment segment = forest.open(representative);
    if (segment == null) {
      return;
    }
    if (segment.timerAt <= now) {
      segment.timerAt = OpenSegment.NO_TIMER;
    }
    for (OpenPart part : segment.parts()) {
      if (part.dueAt(settings, segment.rootKnown) <= now) {
        flush(segment, part, reason);
      }
    }
    if (!segment.hasParts() && segment.retainUntil <= now) {
      forest.forget(segment);
    }
    finish();
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

  /** Returns the segment that the span joined, or null where it was a duplicate or waits. */
  private OpenSegment addSpan(SpanColumns spans, int row) {
    long spanId = spans.spanId(row);
    long parentId = spans.parentId(row);
    long timestamp = spans.timestamp(row);
    if (ahead.isBefore(row)) {
      ahead.add(row);
      return null;
    }
    OpenSegment own = forest.find(spanId);
    long until = certainAt(own, timestamp);
    if (until > clock) {
      ahead.add(row, until);
      return null;
    }
    own = asOf(timestamp, own);
    if (own != null && forest.seen(spanId)) {
      output.duplicate();
      return null;
    }
    OpenSegment segment;
    if (spans.root(row)) {
      segment = asRoot(spanId, own);
    } else {
      OpenSegment above = parentId == spanId ? own : forest.find(parentId);
      until = certainAt(above, timestamp);
      if (until > clock) {
        ahead.add(row, until);
        return null;
      }
      segment = below(parentId, spanId, own, asOf(timestamp, above));
    }
    join(segment, spans, row);
    return segment;
  }

  /**
   * Returns from when on, by the clock, it is certain that the segment's parts which a span of this
   * timestamp ends are complete, and that it is forgotten where that span finds it so; {@link
   * Long#MIN_VALUE} where the span does neither.
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
      // A parent of itself that is no root: it names its segment, as a missing parent would.
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
      return own; // A cycle ends where it is closed.
    }
    return merge(own, above == null ? forest.create(parentId) : above);
  }

  /**
   * Returns a segment as it is at {@code timestamp}, or null where it is not known or forgotten by
   * then.
   */
  private OpenSegment asOf(long timestamp, OpenSegment segment) {
    if (segment == null) {
      return null;
    }
    for (OpenPart part : segment.parts()) {
      if (part.deadline(settings, segment.rootKnown) < timestamp) {
        flush(segment, part, null);
      }
    }
    if (segment.hasParts() || segment.rememberUntil >= timestamp) {
      return segment;
    }
    forest.forget(segment);
    return null;
  }

  private OpenSegment merge(OpenSegment below, OpenSegment above) {
    OpenSegment merged = forest.join(above, below);
    OpenSegment other = merged == above ? below : above;
    long rememberUntil = Math.max(below.rememberUntil, above.rememberUntil);
    long retainUntil = Math.max(below.retainUntil, above.retainUntil);
    merged.name = above.name;
    merged.rootKnown = above.rootKnown;
    merged.nextPart = above.nextPart;
    merged.overflowed = above.overflowed || below.overflowed;
    merged.rememberUntil = rememberUntil;
    merged.retainUntil = retainUntil;
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

  private void join(OpenSegment segment, SpanColumns spans, int row) {
    long timestamp = spans.timestamp(row);
    if (segment.open == null) {
      segment.open = new OpenPart(timestamp);
    }
    segment.open.add(timestamp, spans.recordBytes(row), spans.subsegment(row), spans.index(row));
    segment.open.holdIfLate(settings, segment.rootKnown, clock);
  }

  private void closeIfFull(OpenSegment candidate) {
    OpenSegment segment = forest.open(candidate.id);
    if (segment == null || segment.open == null || !segment.open.full(settings)) {
      return; // Flushed, or merged into another, since; that one is on the list itself where it is
      // full.
    }
    segment.closed.add(segment.open);
    segment.open = null;
    segment.overflowed = true;
    if (segment.rootKnown) {
      flushClosed(segment);
    }
  }

  /** Flushes and forgets segments that have grown too large, as if their time had come. */
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
    long remember = Times.plus(deadline, settings.lateGrace());
    segment.rememberUntil = Math.max(segment.rememberUntil, remember);
    // The clock may be far past the deadline; who was late once may be late again.
    segment.retainUntil =
        Math.max(segment.retainUntil, Math.max(remember, Times.plus(clock, settings.lateGrace())));
    List<Slice> taken = new ArrayList<>(slices.take(part.slices()));
    part.taken().forEach((subsegment, spans) -> taken.add(leaving(subsegment, spans)));
    output.due(
        new DuePart(
            trace,
            segment.name,
            segment.nextPart++,
            reason == null ? part.reason(settings, segment.rootKnown) : reason,
            reason == FlushReason.FULL ? part.last() : part.dueAt(settings, segment.rootKnown),
            segment.overflowed,
            List.copyOf(taken)));
  }

  /** A slice that leaves in the same batch that brought it. */
  private Slice leaving(int subsegment, SpanIndexes spans) {
    int[] indexes = spans.unlessAll(subsegments.get(subsegment).spanCount());
    released[subsegment] = indexes == null;
    return new Slice(subsegments.get(subsegment), indexes, indexes == null);
  }

  /** Writes what the open parts took of this batch into state. */
  private void keepSlices() {
    for (OpenSegment segment : forest.touched()) {
      for (OpenPart part : segment.parts()) {
        part.taken().forEach((subsegment, spans) -> part.slices(keep(part, subsegment, spans)));
        part.taken().clear();
      }
    }
  }

  /** Writes down how many slices of each subsegment wait, where that is more than one. */
  private void keepReferenceCounts(boolean again) {
    for (int i = 0; i < slicesWaiting.length; i++) {
      long id = subsegments.get(i).id();
      if (again) {
        // What waited for the clock was one of them until now, so that nobody took itself for the
        // last.
        slicesWaiting[i] += slices.release(id);
      }
      if (slicesWaiting[i] > 1) {
        state.putReferenceCounts(id, slicesWaiting[i]);
      }
    }
  }

  private SegmentState.SliceList keep(OpenPart part, int index, SpanIndexes spans) {
    Subsegment subsegment = subsegments.get(index);
    slicesWaiting[index]++;
    int[] indexes = spans.unlessAll(subsegment.spanCount());
    // No two slices of a subsegment have the same first span.
    long key = subsegment.id() + (indexes == null ? 0 : indexes[0]) * 0x9E3779B97F4A7C15L;
    return slices.with(part.slices(), key, new SliceState(subsegment, indexes, key, true));
  }

  /**
   * Of a subsegment that has nothing to emit (any more) there is no part that could have it
   * deleted.
   */
  private void deleteDuplicates() {
    for (int i = 0; i < subsegments.size(); i++) {
      if (slicesWaiting[i] == 0 && !released[i]) {
        Subsegment subsegment = subsegments.get(i);
        Slice nothing = new Slice(subsegment, new int[0], true);
        output.due(
            new DuePart(
                trace, subsegment.parentId(), 0, FlushReason.IDLE, clock, false, List.of(nothing)));
      }
    }
  }

  private void setTimer(OpenSegment segment) {
    long next = Long.MAX_VALUE;
    for (OpenPart part : segment.parts()) {
      next = Math.min(next, part.dueAt(settings, segment.rootKnown));
    }
    if (!segment.hasParts()) {
      next = segment.retainUntil;
    }
    long at = Times.roundUpForTimer(next);
    if (at < segment.timerAt) {
      segment.timerAt = at;
      output.setTimer(segment.id, at);
    }
  }
}
