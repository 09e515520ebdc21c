package io.spanfold.core.fold;

import io.spanfold.core.fold.SegmentState.SliceList;
import io.spanfold.core.model.DuePart.Slice;
import java.util.ArrayList;
import java.util.List;

/** The lists of slices in state: joined at the cost of one entry, whatever their length. */
final class SliceLists {

  private final FoldState state;

  SliceLists(FoldState state) {
    this.state = state;
  }

  /** Returns {@code list} with one more slice; {@code list} may be null. */
  SliceList with(SliceList list, long key, SliceState slice) {
    if (list == null) {
      state.putSlice(key, slice);
      return new SliceList(key, key);
    }
    state.putSlice(key, slice.followedBy(list.head()));
    return new SliceList(key, list.tail());
  }

  /** Returns both lists as one; either may be null. */
  SliceList join(SliceList one, SliceList other) {
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    state.putSlice(one.tail(), state.slice(one.tail()).followedBy(other.head()));
    return new SliceList(one.head(), other.tail());
  }

  /** Removes a list from state. Only the last slice of a shared subsegment deletes it. */
  List<Slice> take(SliceList list) {
    List<Slice> slices = new ArrayList<>();
    if (list == null) {
      return slices;
    }
    long key = list.head();
    while (true) {
      SliceState slice = state.slice(key);
      state.removeSlice(key);
      slices.add(new Slice(slice.subsegment(), slice.indexes(), releases(slice)));
      if (slice.last()) {
        return slices;
      }
      key = slice.next();
    }
  }

  private boolean releases(SliceState slice) {
    return slice.indexes() == null || release(slice.subsegment().id()) == 0;
  }

  /** Decrements the number of waiting slices of a subsegment; returns the remaining number. */
  int release(long subsegmentId) {
    Integer waiting = state.referenceCount(subsegmentId);
    if (waiting == null) {
      return 0;
    }
    if (waiting > 2) {
      state.putReferenceCount(subsegmentId, waiting - 1);
    } else {
      state.removeReferenceCount(subsegmentId);
    }
    return waiting - 1;
  }
}
