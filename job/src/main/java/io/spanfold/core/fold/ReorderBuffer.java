package io.spanfold.core.fold;

import io.spanfold.core.model.SpanColumns;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The spans of a trace that were read ahead of the clock and wait until it reaches them; and those
 * that wait because they may have come out of order ({@link TraceFold#hold}).
 *
 * <p>Partitions are read concurrently, and one may be seconds ahead of another, as after an outage.
 * A span whose timestamp ends a part waits until the clock confirms that the part is over: further
 * spans of the part may be in a slower partition. Spans after it wait behind it: the rest of its
 * partition, and those of other partitions that are not older. So a trace that is in one partition
 * is folded in exactly its order.
 */
final class ReorderBuffer {

  private static final long NONE = Long.MAX_VALUE;

  private final FoldState state;
  private final FoldOutput output;

  private SpanColumns spans;
  private BatchSubsegment[] subsegments;

  /** The earliest timestamp of the spans that wait for the clock, not just behind others. */
  private long from;

  /** The earliest time that one of them waits for. */
  private long until;

  /** The same before this batch. */
  private long untilBefore;

  /** The partitions of the waiting spans. */
  private final Set<Integer> partitions = new TreeSet<>();

  ReorderBuffer(FoldState state, FoldOutput output) {
    this.state = state;
    this.output = output;
  }

  void begin(SpanColumns batch, BatchSubsegment[] itsSubsegments) {
    spans = batch;
    subsegments = itsSubsegments;
    from = NONE;
    until = NONE;
    partitions.clear();
    ReorderState known = state.reorderState();
    if (known != null) {
      from = known.from();
      until = known.until();
      partitions.addAll(known.partitions());
    }
    untilBefore = until;
  }

  /** Returns whether {@code row} has to wait behind spans that are waiting already. */
  boolean holds(int row) {
    return from != NONE && (spans.timestamp(row) >= from || partitions.contains(partition(row)));
  }

  /** Holds {@code row} back until the spans before it are released. */
  void add(int row) {
    partitions.add(partition(row));
    subsegments[spans.subsegment(row)].earlyRows.add(row);
  }

  /** Holds {@code row} back until the clock reaches {@code time}. */
  void add(int row, long time) {
    until = Math.min(until, time);
    from = Math.min(from, spans.timestamp(row));
    add(row);
  }

  private int partition(int row) {
    return subsegments[spans.subsegment(row)].position(spans.index(row)).partition();
  }

  /** Writes the waiting spans of this batch into state, and counts them as waiting slices. */
  void save() {
    int count = 0;
    for (BatchSubsegment subsegment : subsegments) {
      if (!subsegment.earlyRows.isEmpty()) {
        state.putEarlySpans(EarlySpans.of(spans, subsegment));
        subsegment.slicesWaiting++;
        count += subsegment.earlyRows.size();
      }
    }
    if (count == 0) {
      return;
    }
    state.putReorderState(new ReorderState(from, until, List.copyOf(partitions)));
    output.early(count);
    // Later ones are looked at again when the first are folded.
    if (until < untilBefore) {
      // Not rounded up: the waiting spans may have to join parts that are due soon after.
      output.setReorderTimer(until);
    }
  }
}
