package io.spanfold.flush;

import io.spanfold.build.PartBuilder;
import io.spanfold.lease.Lease;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.LoadedPart;
import io.spanfold.model.PartCandidate;
import io.spanfold.reread.LostPayloads;
import io.spanfold.store.SegmentStore;
import java.time.Clock;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;

/**
 * The way from a candidate to a flushed part, for those that are due and for those whose commit was
 * refused. For use by one thread, which it blocks.
 */
record PartFlusher(
    SegmentStore store,
    Lease lease,
    FlushLocks locks,
    LostPayloads lostPayloads,
    FlushMetrics metrics)
    implements AutoCloseable {

  /** Takes a part when it is done. */
  @FunctionalInterface
  interface Done {
    void accept(PartCandidate candidate, FlushedPart flushed);
  }

  static PartFlusher open(FlushSettings settings, MetricGroup metrics, Clock wall) {
    SegmentStore store = SegmentStore.connect(settings.store());
    metrics.gauge("redisRetries", store::retriedCommands);
    Lease lease = Lease.open(settings.lease(), metrics);
    return new PartFlusher(
        store,
        lease,
        new FlushLocks(store, lease, settings.lockTtl(), metrics),
        new LostPayloads(settings.reread()),
        new FlushMetrics(metrics, wall));
  }

  /** Flushes {@code parts}, which are all loaded at once. */
  void flush(List<PartCandidate> parts, PartBuilder builder, Done done)
      throws InterruptedException {
    locks.take(parts);
    List<LoadedPart> stored = store.load(parts);
    List<LoadedPart> restored = lostPayloads.restore(stored);
    metrics.restored(stored, restored);
    for (LoadedPart loaded : restored) {
      FlushedPart flushed = builder.build(loaded);
      metrics.flushed(loaded, flushed);
      done.accept(loaded.candidate(), flushed);
    }
  }

  @Override
  public void close() {
    try (store;
        lease) {
      lostPayloads.close();
    }
  }
}
