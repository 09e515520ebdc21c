package io.spanfold.core.fold;

import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Spans of one subsegment that wait for the clock; see {@link ReorderBuffer}.
 *
 * @param subsegment the subsegment, which is stored
 * @param spans those of its spans that wait; their subsegment column is 0
 */
public record EarlySpans(Subsegment subsegment, SpanColumns spans) {

  /** Returns those rows of {@code spans} that wait as early spans of {@code subsegment}. */
  static EarlySpans of(SpanColumns spans, BatchSubsegment subsegment) {
    SpanColumns columns = new SpanColumns(subsegment.earlyRows.size());
    for (int row : subsegment.earlyRows) {
      columns.addFrom(spans, row, 0);
    }
    return new EarlySpans(subsegment.subsegment, columns);
  }

  /**
   * Returns all of them as a batch: the spans of a partition in its order, and the partitions
   * merged by their clocks. A partition's clock at a span is the highest timestamp up to there.
   */
  static StoredTrace inOrder(TraceKey trace, List<EarlySpans> all) {
    List<Subsegment> subsegments = new ArrayList<>(all.size());
    List<Place> places = new ArrayList<>();
    for (EarlySpans early : all) {
      List<SourcePosition> positions = early.subsegment.positions().all();
      for (int row = 0; row < early.spans.size(); row++) {
        SourcePosition position = positions.get(early.spans.index(row));
        places.add(new Place(early.spans, row, subsegments.size(), position));
      }
      subsegments.add(early.subsegment);
    }
    places.sort(Comparator.comparing(place -> place.position));
    Map<Integer, Long> clocks = new HashMap<>();
    for (Place place : places) {
      long timestamp = place.spans.timestamp(place.row);
      place.clock = clocks.merge(place.position.partition(), timestamp, Math::max);
    }
    // Stable, so that each partition stays in its order.
    places.sort(Comparator.comparingLong(place -> place.clock));
    SpanColumns columns = new SpanColumns(places.size());
    for (Place place : places) {
      columns.addFrom(place.spans, place.row, place.subsegment);
    }
    return new StoredTrace(trace, columns, subsegments);
  }

  private static final class Place {
    final SpanColumns spans;
    final int row;
    final int subsegment;
    final SourcePosition position;
    long clock;

    Place(SpanColumns spans, int row, int subsegment, SourcePosition position) {
      this.spans = spans;
      this.row = row;
      this.subsegment = subsegment;
      this.position = position;
    }
  }
}
