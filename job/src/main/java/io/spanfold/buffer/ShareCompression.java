package io.spanfold.buffer;

import io.spanfold.buffer.compression.DictionaryKeeper;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.layout.StoredShare;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.Subsegment;
import java.util.ArrayList;
import java.util.List;

/** Compresses the payloads of a trace's share of a batch, as the layouts need them. */
record ShareCompression(
    PayloadLayouts layouts, PayloadCompression compression, DictionaryKeeper dictionaries) {

  private static final int SINGLE = MergedLayout.BIT | DistributedLayout.BIT;

  /**
   * Returns the stored form of {@code share}.
   *
   * @param generation in which it is written
   */
  StoredShare compress(TraceSpans share, Generation generation) {
    int written = layouts.written(share);
    boolean small = (written & SmallLayout.BIT) != 0;
    byte[] together = small ? compress(share.payload()) : null;
    long smallId = small ? PayloadLayouts.smallPayloadId(share) : 0;
    List<byte[]> single = (written & SINGLE) != 0 ? new ArrayList<>() : null;
    List<Subsegment> subsegments = new ArrayList<>(share.subsegments().size());
    for (UnstoredSubsegment unstored : share.subsegments()) {
      if (single != null) {
        single.add(compress(share.frames(unstored)));
      }
      byte[] stored = small ? together : single.get(single.size() - 1);
      subsegments.add(
          unstored
              .subsegment()
              .stored(
                  stored.length,
                  layouts.holding(unstored.subsegment(), share),
                  small
                      ? new SmallPayload(
                          smallId, generation.epoch(), generation.checkpoint(), unstored.offset())
                      : null));
    }
    return new StoredShare(share.trace(), subsegments, written, together, single);
  }

  private byte[] compress(byte[] payload) {
    dictionaries.offer(payload);
    return compression.compress(payload);
  }
}
