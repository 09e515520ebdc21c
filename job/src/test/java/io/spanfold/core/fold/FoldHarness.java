package io.spanfold.core.fold;

import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/** One trace's fold with its state, its timers, and the payloads that would be in Redis. */
public class FoldHarness implements FoldOutput {

  public static final TraceKey TRACE = new TraceKey(1, 2, 3);

  final InMemoryFoldState state = new InMemoryFoldState();
  final List<DuePart> parts = new ArrayList<>();
  public int duplicates;
  int late;
  int heldBack;

  private final TraceFold fold;
  private final SubsegmentGrouping grouping;
  private final TreeMap<Long, Set<Long>> timers = new TreeMap<>();
  private final TreeSet<Long> reorderTimers = new TreeSet<>();
  private final Map<Long, List<Span>> payloads = new HashMap<>();
  private final Set<Long> deletable = new HashSet<>();
  private long clock = Long.MIN_VALUE;

  public FoldHarness(FoldSettings settings) {
    fold = new TraceFold(settings, state, this);
    grouping =
        new SubsegmentGrouping(
            Math.min(settings.timeout(), settings.rootTimeout()), Long.MAX_VALUE, 2);
  }

  public final void add(List<Span> batch) {
    TraceSpans grouped = grouping.group(TRACE, batch);
    Map<Long, Span> byOffset = new HashMap<>();
    batch.forEach(span -> byOffset.put(span.offset(), span));
    for (UnstoredSubsegment unstored : grouped.subsegments()) {
      List<Span> payload = new ArrayList<>();
      unstored
          .subsegment()
          .positions()
          .all()
          .forEach(position -> payload.add(byOffset.get(position.offset())));
      if (payloads.put(unstored.subsegment().id(), payload) != null) {
        throw new AssertionError("two subsegments with one id");
      }
    }
    fold.add(new StoredTrace(TRACE, grouped.spans(), stored(grouped)), clock);
  }

  /** Returns the subsegments as the store would. */
  protected List<Subsegment> stored(TraceSpans trace) {
    return trace.subsegments().stream()
        .map(unstored -> unstored.subsegment().stored(1, 1, null))
        .toList();
  }

  public final void advanceTo(long time) {
    clock = Math.max(clock, time);
    fire(clock, (segment, at) -> fold.onTimer(TRACE, segment, at));
  }

  /** Fires all timers in their order, as at the end of input. */
  public final void end() {
    fire(Long.MAX_VALUE, (segment, time) -> fold.onTimer(TRACE, segment, time, FlushReason.END));
  }

  private void fire(long until, BiConsumer<Long, Long> onTimer) {
    while (true) {
      long segments = timers.isEmpty() ? Long.MAX_VALUE : timers.firstKey();
      long early = reorderTimers.isEmpty() ? Long.MAX_VALUE : reorderTimers.first();
      if (Math.min(segments, early) > until || timers.isEmpty() && reorderTimers.isEmpty()) {
        return;
      }
      if (early <= segments) {
        fold.addEarly(TRACE, reorderTimers.pollFirst());
      } else {
        Map.Entry<Long, Set<Long>> next = timers.pollFirstEntry();
        for (long segment : next.getValue()) {
          onTimer.accept(segment, next.getKey());
        }
      }
    }
  }

  @Override
  public void due(DuePart part) {
    if (part.slices().stream().anyMatch(slice -> slice.spanCount() == 0) || part.spanCount() == 0) {
      throw new AssertionError("a part has nothing to emit");
    }
    parts.add(part);
    for (Slice slice : part.slices()) {
      if (deletable.contains(slice.subsegment().id())) {
        throw new AssertionError("a subsegment is used after it may have been deleted");
      }
    }
    part.obsolete().forEach(this::delete);
  }

  @Override
  public void discard(Discard discard) {
    discard.obsolete().forEach(this::delete);
  }

  private void delete(Subsegment subsegment) {
    if (!deletable.add(subsegment.id())) {
      throw new AssertionError("a subsegment is deleted twice");
    }
  }

  @Override
  public void duplicate() {
    duplicates++;
  }

  @Override
  public void setTimer(long segment, long time) {
    timers.computeIfAbsent(time, t -> new TreeSet<>()).add(segment);
  }

  @Override
  public void late() {
    late++;
  }

  @Override
  public void early(int spans) {
    heldBack += spans;
  }

  @Override
  public void setReorderTimer(long time) {
    reorderTimers.add(time);
  }

  public final List<Span> spansOf(DuePart part) {
    List<Span> spans = new ArrayList<>();
    for (Slice slice : part.slices()) {
      List<Span> payload = payloads.get(slice.subsegment().id());
      if (slice.indexes() == null) {
        spans.addAll(payload);
      } else {
        for (int index : slice.indexes()) {
          spans.add(payload.get(index));
        }
      }
    }
    return spans;
  }

  /** Returns whether everything that was stored may be deleted. */
  boolean allDeletable() {
    return deletable.equals(payloads.keySet());
  }
}
