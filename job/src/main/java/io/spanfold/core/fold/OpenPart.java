package io.spanfold.core.fold;

import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SegmentState.SliceList;
import io.spanfold.core.model.FlushReason;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** A part while a batch is folded into it. */
final class OpenPart {

  private static final long IN_TIME = Long.MIN_VALUE;

  private long first;
  private long last;
  private long bytes;
  private long heldUntil = IN_TIME;
  private long lateSince = IN_TIME;

  /** Its slices in state. */
  private SliceList slices;

  /**
   * What it took of the current batch: for each subsegment (its place in the batch) the spans'
   * indexes.
   */
  private final Map<Integer, SpanIndexes> taken = new HashMap<>();

  OpenPart(long timestamp) {
    first = timestamp;
    last = timestamp;
  }

  OpenPart(PartState state) {
    first = state.first();
    last = state.last();
    bytes = state.bytes();
    heldUntil = state.heldUntil();
    lateSince = state.lateSince();
    slices = state.slices();
  }

  PartState toState() {
    return new PartState(first, last, bytes, heldUntil, lateSince, slices);
  }

  void add(long timestamp, int recordBytes, int subsegment, int index) {
    first = Math.min(first, timestamp);
    last = Math.max(last, timestamp);
    bytes += recordBytes;
    taken.computeIfAbsent(subsegment, s -> new SpanIndexes()).add(index);
  }

  /** Takes in {@code other}; the lists of slices in state must be joined by the caller. */
  void absorb(OpenPart other) {
    first = Math.min(first, other.first);
    last = Math.max(last, other.last);
    bytes += other.bytes;
    heldUntil = Math.max(heldUntil, other.heldUntil);
    // The one that was late first has waited the longest, and is held for the maximum age at most.
    if (lateSince == IN_TIME || other.lateSince != IN_TIME && other.lateSince < lateSince) {
      lateSince = other.lateSince;
    }
    other.taken.forEach(
        (subsegment, indexes) ->
            taken.computeIfAbsent(subsegment, s -> new SpanIndexes()).addAll(indexes));
  }

  /** Returns the record time after which no span joins: the rule itself, whatever the clock. */
  long deadline(FoldSettings settings, boolean rootKnown) {
    return Math.min(
        Times.plus(last, settings.timeout(rootKnown)), Times.plus(first, settings.maxAge()));
  }

  /** Returns the clock's time at which the part is flushed if nothing more comes. */
  long dueAt(FoldSettings settings, boolean rootKnown) {
    return Math.max(deadline(settings, rootKnown), heldUntil);
  }

  /**
   * Spans of a lagging producer may come when their deadline has passed already. Flushing each at
   * once would shred their segment, so they are gathered for as long as they would be in time.
   */
  void holdIfLate(FoldSettings settings, boolean rootKnown, long clock) {
    if (deadline(settings, rootKnown) > clock) {
      return;
    }
    if (lateSince == IN_TIME) {
      lateSince = clock;
    }
    heldUntil =
        Math.min(
            Times.plus(clock, settings.timeout(rootKnown)),
            Times.plus(lateSince, settings.maxAge()));
  }

  FlushReason reason(FoldSettings settings, boolean rootKnown) {
    return Times.plus(first, settings.maxAge()) < Times.plus(last, settings.timeout(rootKnown))
        ? FlushReason.MAX_AGE
        : FlushReason.IDLE;
  }

  long last() {
    return last;
  }

  /** Returns whether both together would be larger than a part may become. */
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

  Map<Integer, SpanIndexes> taken() {
    return taken;
  }

  /** Indexes of spans of one subsegment. */
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

    /** Returns the indexes in ascending order, or null where they are all of {@code spanCount}. */
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
