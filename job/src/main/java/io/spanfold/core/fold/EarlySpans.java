package io.spanfold.core.fold;

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
 * Spans of one subsegment that wait for the clock: see {@link ReorderBuffer}.
 *
 * @param subsegment holds the spans; it is stored
 * @param spans all of that one subsegment
 */
public record EarlySpans(Subsegment subsegment, SpanColumns spans) {

  /** Returns those {@code rows} of a batch that are of its subsegment {@code index}. */
  static EarlySpans of(StoredTrace batch, int index, List<Integer> rows) {
    SpanColumns columns = new SpanColumns(rows.size());
    for (int row : rows) {
      columns.addFrom(batch.spans(), row, 0);
    }
    return new EarlySpans(batch.subsegments().get(index), columns);
  }

  /**
   * Returns them all as what a batch brings: those of a partition in its order, and the partitions
   * beside each other as their clocks, which never go back, went on.
   */
  static StoredTrace inOrder(TraceKey trace, List<EarlySpans> all) {
    List<Subsegment> subsegments = new ArrayList<>(all.size());
    List<Place> places = new ArrayList<>();
    for (EarlySpans ahead : all) {
      Positions positions = Positions.of(ahead.subsegment);
      for (int row = 0; row < ahead.spans.size(); row++) {
        int index = ahead.spans.index(row);
        places.add(
            new Place(
                ahead.spans,
                row,
                subsegments.size(),
                positions.partition(index),
                positions.offset(index)));
      }
      subsegments.add(ahead.subsegment);
    }
    places.sort(Comparator.comparingLong(place -> place.offset));
    Map<Integer, Long> clocks = new HashMap<>();
    for (Place place : places) {
      long timestamp = place.spans.timestamp(place.row);
      place.clock = clocks.merge(place.partition, timestamp, Math::max);
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
    final int partition;
    final long offset;
    long clock;

    Place(SpanColumns spans, int row, int subsegment, int partition, long offset) {
      this.spans = spans;
      this.row = row;
      this.subsegment = subsegment;
      this.partition = partition;
      this.offset = offset;
    }
  }

  /** The source positions of a subsegment's spans, by their index. */
  record Positions(int[] partitions, long[] offsets) {

    static Positions of(Subsegment subsegment) {
      int[] partitions = new int[subsegment.spanCount()];
      long[] offsets = new long[subsegment.spanCount()];
      subsegment
          .positions()
          .forEach(
              (index, partition, offset) -> {
                partitions[index] = partition;
                offsets[index] = offset;
              });
      return new Positions(partitions, offsets);
    }

    int partition(int index) {
      return partitions[index];
    }

    long offset(int index) {
      return offsets[index];
    }
  }
}
