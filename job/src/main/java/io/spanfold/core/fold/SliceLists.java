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

  /**
   * Takes a list out of state. Of a shared subsegment only the slice that is taken last may have it
   * deleted.
   */
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
    if (slice.indexes() == null) {
      return true;
    }
    return release(slice.subsegment().id()) == 0;
  }

  /** Takes one slice of a subsegment from those that wait, and returns how many still do. */
  int release(long subsegmentId) {
    Integer referenceCounts = state.referenceCounts(subsegmentId);
    if (referenceCounts == null) {
      return 0;
    }
    if (referenceCounts > 2) {
      state.putReferenceCounts(subsegmentId, referenceCounts - 1);
    } else {
      state.removeReferenceCounts(subsegmentId);
    }
    return referenceCounts - 1;
  }
}
