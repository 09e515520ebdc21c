package io.spanfold.core.fold;

import static io.spanfold.core.fold.FoldSettings.plus;

import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SegmentState.SliceList;
import io.spanfold.core.model.FlushReason;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** A part while a batch is folded into it; {@link PartState} is its form between two batches. */
final class OpenPart {

  private long first;
  private long last;
  private long bytes;

  /** Its slices in state; null for none. */
  private SliceList slices;

  /** Its slices of the current batch. */
  private final Map<BatchSubsegment, SpanIndexes> taken = new LinkedHashMap<>();

  OpenPart(long timestamp) {
    first = timestamp;
    last = timestamp;
  }

  OpenPart(PartState state) {
    first = state.first();
    last = state.last();
    bytes = state.bytes();
    slices = state.slices();
  }

  PartState toState() {
    return new PartState(first, last, bytes, slices);
  }

  void add(long timestamp, int recordBytes, BatchSubsegment subsegment, int index) {
    first = Math.min(first, timestamp);
    last = Math.max(last, timestamp);
    bytes += recordBytes;
    taken.computeIfAbsent(subsegment, s -> new SpanIndexes()).add(index);
  }

  /** Adds all of {@code other}; the caller joins the lists of slices in state. */
  void absorb(OpenPart other) {
    first = Math.min(first, other.first);
    last = Math.max(last, other.last);
    bytes += other.bytes;
    other.taken.forEach(
        (subsegment, indexes) ->
            taken.computeIfAbsent(subsegment, s -> new SpanIndexes()).addAll(indexes));
  }

  /**
   * Returns the record time after which no span joins, and at which the part is flushed if no more
   * spans come. It is never before the last span: a much older one that came out of order must
   * neither end the part of the others, nor the memory of their segment.
   */
  long deadline(FoldSettings settings, boolean rootKnown) {
    long oldest = Math.max(plus(first, settings.maxAge()), last);
    return Math.min(plus(last, settings.timeout(rootKnown)), oldest);
  }

  /** Returns which of the part's two deadlines comes first. */
  FlushReason reason(FoldSettings settings, boolean rootKnown) {
    return plus(first, settings.maxAge()) < plus(last, settings.timeout(rootKnown))
        ? FlushReason.MAX_AGE
        : FlushReason.IDLE;
  }

  long last() {
    return last;
  }

  /** Returns whether both parts together would be full. */
  boolean overflowsWith(OpenPart other, FoldSettings settings) {
    return bytes + other.bytes >= settings.maxBytes();
  }

  boolean full(FoldSettings settings) {
    return bytes >= settings.maxBytes();
  }

  SliceList slices() {
    return slices;
  }

  void slices(SliceList list) {
    slices = list;
  }

  Map<BatchSubsegment, SpanIndexes> taken() {
    return taken;
  }

  /** Indexes of spans of one subsegment, in the order in which they came. */
  static final class SpanIndexes {
    private int[] indexes = new int[4];
    private int size;

    void add(int index) {
      if (size == indexes.length) {
        indexes = Arrays.copyOf(indexes, size * 2);
      }
      indexes[size++] = index;
    }

    void addAll(SpanIndexes other) {
      for (int i = 0; i < other.size; i++) {
        add(other.indexes[i]);
      }
    }

    /** Returns the indexes in ascending order, or null if they are all of {@code spanCount}. */
    int[] unlessAll(int spanCount) {
      if (size == spanCount) {
        return null;
      }
      int[] sorted = Arrays.copyOf(indexes, size);
      Arrays.sort(sorted);
      return sorted;
    }
  }
}
