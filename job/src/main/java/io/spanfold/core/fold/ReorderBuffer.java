package io.spanfold.core.fold;

import io.spanfold.core.fold.EarlySpans.Positions;
import io.spanfold.core.model.StoredTrace;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The spans of a trace that were read ahead of the clock, and wait for it.
 *
 * <p>Partitions are read side by side, and one may be seconds ahead of another, as after an outage.
 * A span that by its timestamp ends a part waits until the clock, too, says that the part is over:
 * what still belongs into the part may stand in a partition that is read more slowly. What comes
 * after such a span waits behind it: the rest of its partition, and of the others what is later. So
 * a trace that stands in one partition is folded in exactly its order.
 */
final class ReorderBuffer {

  private final FoldState state;
  private final FoldOutput output;

  private StoredTrace batch;
  private ReorderState known;
  private long from;
  private long until;
  private final Set<Integer> partitions = new TreeSet<>();
  private final Map<Integer, Positions> positions = new HashMap<>();

  /** The rows that wait, by subsegment. */
  private final Map<Integer, List<Integer>> rows = new LinkedHashMap<>();

  ReorderBuffer(FoldState state, FoldOutput output) {
    this.state = state;
    this.output = output;
  }

  /** Begins with a batch's share of the trace. */
  void begin(StoredTrace trace) {
    batch = trace;
    rows.clear();
    positions.clear();
    partitions.clear();
    known = state.ahead();
    from = known == null ? Long.MAX_VALUE : known.from();
    until = Long.MAX_VALUE;
    if (known != null) {
      partitions.addAll(known.partitions());
    }
  }

  /** Returns whether {@code row} comes after what waits. */
  boolean isBefore(int row) {
    return from != Long.MAX_VALUE
        && (batch.spans().timestamp(row) >= from || partitions.contains(partition(row)));
  }

  /** Lets {@code row} wait behind others. */
  void add(int row) {
    from = Math.min(from, batch.spans().timestamp(row));
    partitions.add(partition(row));
    rows.computeIfAbsent(batch.spans().subsegment(row), s -> new ArrayList<>()).add(row);
  }

  /** Lets {@code row} wait until the clock reaches {@code time}. */
  void add(int row, long time) {
    until = Math.min(until, time);
    add(row);
  }

  private int partition(int row) {
    int subsegment = batch.spans().subsegment(row);
    return positions
        .computeIfAbsent(subsegment, s -> Positions.of(batch.subsegments().get(s)))
        .partition(batch.spans().index(row));
  }

  /**
   * Writes what waits into state.
   *
   * @param slicesWaiting how many slices of each subsegment wait: those that wait here are added
   */
  void save(int[] slicesWaiting) {
    if (rows.isEmpty()) {
      return;
    }
    int count = 0;
    for (Map.Entry<Integer, List<Integer>> each : rows.entrySet()) {
      state.putAhead(EarlySpans.of(batch, each.getKey(), each.getValue()));
      slicesWaiting[each.getKey()]++;
      count += each.getValue().size();
    }
    state.putAhead(new ReorderState(from, List.copyOf(partitions)));
    output.ahead(count);
    // What merely waits behind others is served with them.
    if (until != Long.MAX_VALUE) {
      // Not a moment later: what waits may have to join parts that are due soon after.
      output.setAheadTimer(until);
    }
  }
}
