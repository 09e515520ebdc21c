package io.spanfold.job.serialization;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SegmentState.SliceList;
import io.spanfold.core.fold.SliceState;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class FoldStateCodecTest {

  @Test
  void readsNodesAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new NodeCodec(),
        random -> {
          boolean last = random.flag();
          return new Node(random.any(), last ? 0 : random.any(), last, random.flag());
        });
  }

  @Test
  void readsSegmentsAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new SegmentStateCodec(),
        random ->
            new SegmentState(
                random.any(),
                random.flag(),
                random.count(),
                random.any(),
                random.count(),
                random.flag(),
                random.any(),
                random.any(),
                random.list(() -> part(random)),
                random.flag() ? part(random) : null));
  }

  @Test
  void readsSlicesAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new SliceStateCodec(),
        random -> {
          boolean last = random.flag();
          int spans = random.count();
          return new SliceState(
              random.subsegment(spans), random.indexes(spans), last ? 0 : random.any(), last);
        });
  }

  @Test
  void readsEarlySpansAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new EarlySpansCodec(),
        random -> new EarlySpans(random.subsegment(random.count()), random.columns()));
  }

  @Test
  void readsReorderStateAsItWasWritten() throws IOException {
    RoundTrip.check(
        new ReorderStateCodec(),
        random -> new ReorderState(random.any(), random.any(), random.list(random::count)));
  }

  private static PartState part(RandomModel random) {
    SliceList slices = random.flag() ? new SliceList(random.any(), random.any()) : null;
    return new PartState(random.any(), random.any(), random.amount(), slices);
  }
}
