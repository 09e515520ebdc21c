package io.spanfold.core.model;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A part with its payloads: the second of the three forms in which it goes through the flush.
 *
 * @param due the part
 * @param slices the loaded slices, in the order of the part's slices
 */
public record LoadedPart(DuePart due, List<LoadedSlice> slices) {

  /**
   * One slice with its bytes.
   *
   * @param slice the requested slice
   * @param frames spans of its subsegment as {@code io.spanfold.core.payload.SpanFrames} lays them
   *     out; null if nothing was found
   * @param indexes which of the subsegment's spans were read again from the source topic,
   *     ascending: the frames are these; null for a payload as it was stored, whole
   */
  public record LoadedSlice(DuePart.Slice slice, byte[] frames, int[] indexes) {

    /** A payload as it was stored: whole, or lost if {@code frames} is null. */
    public LoadedSlice(DuePart.Slice slice, byte[] frames) {
      this(slice, frames, null);
    }

    /** Returns whether nothing of the payload was found. */
    public boolean lost() {
      return frames == null;
    }

    /** Returns which of the subsegment's spans the {@code frame}-th is. */
    public int indexOf(int frame) {
      return indexes == null ? frame : indexes[frame];
    }

    /** Returns how many of the spans asked for were read again from the source topic. */
    public int recoveredSpans() {
      return indexes == null ? 0 : (int) IntStream.of(indexes).filter(slice::takes).count();
    }

    /** Returns how many of the spans asked for were not found. */
    public int lostSpans() {
      if (frames == null) {
        return slice.spanCount();
      }
      return indexes == null ? 0 : slice.spanCount() - recoveredSpans();
    }
  }
}
