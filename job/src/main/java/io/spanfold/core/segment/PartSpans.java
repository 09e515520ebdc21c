package io.spanfold.core.segment;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.payload.BufferedSpan;
import io.spanfold.core.payload.SpanFrames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** The spans that a part takes of its payloads. */
final class PartSpans {

  /** By id; by content too, so that the order is total even where an id is there twice. */
  private static final Comparator<BufferedSpan> ORDER =
      ((Comparator<BufferedSpan>) (a, b) -> Long.compareUnsigned(a.spanId(), b.spanId()))
          .thenComparing(PartSpans::compareRecords);

  private PartSpans() {}

  /** Returns the spans of {@code part} by unsigned id; lost ones are not among them. */
  static List<BufferedSpan> sorted(LoadedPart part) {
    List<BufferedSpan> spans = new ArrayList<>(part.candidate().spanCount());
    for (LoadedSlice slice : part.slices()) {
      if (!slice.lost()) {
        select(slice, spans);
      }
    }
    spans.sort(ORDER);
    return spans;
  }

  private static void select(LoadedSlice loaded, List<BufferedSpan> spans) {
    Slice slice = loaded.slice();
    int before = spans.size();
    SpanFrames.forEach(
        loaded.frames(),
        (frame, span) -> {
          if (slice.takes(loaded.indexOf(frame))) {
            spans.add(span);
          }
        });
    int found = spans.size() - before;
    int expected = slice.spanCount() - loaded.lostSpans();
    if (found != expected) {
      throw new IllegalArgumentException(
          "the payload of subsegment %s holds %d of the %d spans asked for"
              .formatted(Hex.id(slice.subsegment().id()), found, expected));
    }
  }

  private static int compareRecords(BufferedSpan a, BufferedSpan b) {
    return Arrays.compareUnsigned(
        a.buffer(),
        a.start(),
        a.start() + a.length(),
        b.buffer(),
        b.start(),
        b.start() + b.length());
  }
}
