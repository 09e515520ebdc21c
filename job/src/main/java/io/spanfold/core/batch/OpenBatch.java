package io.spanfold.core.batch;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The batch that is being gathered. It is empty again after {@link #close}. Not thread-safe. */
public final class OpenBatch {

  private final BatchLimits limits;
  private final SubsegmentGrouping grouping;
  private final Map<TraceKey, List<Span>> traces = new LinkedHashMap<>();
  private int spans;
  private long bytes;

  /**
   * @param limits when the batch is full
   * @param grouping groups the spans of each trace
   */
  public OpenBatch(BatchLimits limits, SubsegmentGrouping grouping) {
    this.limits = limits;
    this.grouping = grouping;
  }

  public boolean isEmpty() {
    return spans == 0;
  }

  /**
   * Returns whether {@code span} can be added without exceeding the limit of bytes. An empty batch
   * has room for every span.
   */
  public boolean hasRoomFor(Span span) {
    return isEmpty() || bytes + span.record().length <= limits.maxBytes();
  }

  /** Returns whether the batch has reached its number of spans. */
  public boolean isFull() {
    return spans >= limits.maxSpans();
  }

  public void add(Span span) {
    traces.computeIfAbsent(span.trace(), trace -> new ArrayList<>()).add(span);
    spans++;
    bytes += span.record().length;
  }

  /** Returns the spans by trace, in the order in which each trace and each span first came. */
  public SpanBatch close() {
    List<TraceSpans> grouped = new ArrayList<>(traces.size());
    traces.forEach((trace, members) -> grouped.add(grouping.group(trace, members)));
    traces.clear();
    spans = 0;
    bytes = 0;
    return new SpanBatch(grouped);
  }
}
