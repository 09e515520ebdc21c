package io.spanfold.core.model;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A part whose payloads were asked for: the second of the three forms in which it goes through the
 * flush.
 *
 * @param candidate what was asked for
 * @param slices what came, in the order of the candidate's slices
 */
public record LoadedPart(DuePart candidate, List<LoadedSlice> slices) {

  /**
   * One slice with its bytes.
   *
   * @param slice what was asked for
   * @param frames spans of its subsegment as {@code io.spanfold.core.payload.SpanFrames} lays them
   *     out; null where there are none
   * @param indexes which of the subsegment's spans the frames are, ascending; null for all
   */
  public record LoadedSlice(DuePart.Slice slice, byte[] frames, int[] indexes) {

    /** A payload as it was stored: whole, or lost where {@code frames} is null. */
    public LoadedSlice(DuePart.Slice slice, byte[] frames) {
      this(slice, frames, null);
    }

    /** Returns whether nothing of the payload is there. */
    public boolean lost() {
      return frames == null;
    }

    /** Returns which of the subsegment's spans the {@code frame}-th is. */
    public int indexOf(int frame) {
      return indexes == null ? frame : indexes[frame];
    }

    /** Returns how many of the spans asked for are not there. */
    public int lostSpans() {
      if (frames == null) {
        return slice.spanCount();
      }
      return indexes == null
          ? 0
          : slice.spanCount() - (int) IntStream.of(indexes).filter(slice::takes).count();
    }
  }
}
