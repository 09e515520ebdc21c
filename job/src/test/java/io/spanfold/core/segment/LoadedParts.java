package io.spanfold.core.segment;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Loaded parts, in all the ways in which the same spans may have been stored. */
final class LoadedParts {

  static final TraceKey TRACE = new TraceKey(42, 1, 2);

  private LoadedParts() {}

  /** Returns a part of one slice with all of {@code spans}. */
  static LoadedPart inOneSlice(List<Span> spans, long segmentId, boolean skipEnrichment) {
    return part(List.of(slice(spans, null)), segmentId, skipEnrichment);
  }

  /**
   * Returns a part that takes exactly {@code spans}: in random order, from random subsegments, some
   * of which hold other spans as well, some of which are taken in two slices, next to lost ones.
   */
  static LoadedPart scattered(
      List<Span> spans, List<Span> others, long segmentId, boolean skipEnrichment, Random random) {
    List<Span> shuffled = new ArrayList<>(spans);
    Collections.shuffle(shuffled, random);
    List<LoadedSlice> slices = new ArrayList<>();
    int from = 0;
    while (from < shuffled.size()) {
      int to = Math.min(shuffled.size(), from + 1 + random.nextInt(20));
      addSlices(slices, shuffled.subList(from, to), others, random);
      from = to;
      if (random.nextInt(4) == 0) {
        slices.add(new LoadedSlice(slice(others, null).slice(), null));
      }
    }
    Collections.shuffle(slices, random);
    return part(slices, segmentId, skipEnrichment);
  }

  private static void addSlices(
      List<LoadedSlice> slices, List<Span> taken, List<Span> others, Random random) {
    if (random.nextBoolean()) {
      slices.add(slice(taken, null));
      return;
    }
    List<Span> stored = new ArrayList<>(taken);
    stored.addAll(others);
    Collections.shuffle(stored, random);
    int[] indexes =
        IntStream.range(0, stored.size()).filter(i -> taken.contains(stored.get(i))).toArray();
    int cut = random.nextInt(indexes.length + 1);
    for (int[] some :
        List.of(
            IntStream.of(indexes).limit(cut).toArray(),
            IntStream.of(indexes).skip(cut).toArray())) {
      slices.add(slice(stored, some));
    }
  }

  static LoadedSlice slice(List<Span> stored, int[] indexes) {
    Subsegment subsegment =
        new Subsegment(0xABC, 1, false, stored.size(), 0, 0, 0, 1, Spans.positions());
    return new LoadedSlice(new Slice(subsegment, indexes, true), SpanFrames.encode(stored));
  }

  static LoadedPart part(List<LoadedSlice> slices, long segmentId, boolean skipEnrichment) {
    DuePart candidate =
        new DuePart(
            TRACE,
            segmentId,
            0,
            FlushReason.IDLE,
            0,
            skipEnrichment,
            slices.stream().map(LoadedSlice::slice).toList());
    return new LoadedPart(candidate, slices);
  }
}
