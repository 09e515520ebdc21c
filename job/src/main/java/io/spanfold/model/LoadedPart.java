package io.spanfold.model;

import java.util.List;

/**
 * A part whose payloads were asked of Redis: the second of the three forms in which it goes through
 * the flush.
 *
 * @param candidate what was asked for
 * @param slices what came, in the order of the candidate's slices
 */
public record LoadedPart(PartCandidate candidate, List<LoadedSlice> slices) {

  /**
   * One slice with its bytes.
   *
   * @param slice what was asked for
   * @param frames all spans of its subsegment as {@code io.spanfold.payload.SpanFrames} lays them
   *     out; null where Redis no longer has them
   */
  public record LoadedSlice(PartCandidate.Slice slice, byte[] frames) {

    /** Returns whether Redis no longer has the payload. */
    public boolean lost() {
      return frames == null;
    }
  }
}
