package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.recovery.PayloadRecovery;
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
    PayloadRecovery lostPayloads,
    FlushMetrics metrics)
    implements AutoCloseable {

  /** Takes a part when it is done. */
  @FunctionalInterface
  interface Done {
    void accept(DuePart candidate, FlushedPart flushed);
  }

  static PartFlusher open(FlushSettings settings, MetricGroup metrics, Clock wall) {
    SegmentStore store = SegmentStore.connect(settings.store());
    metrics.gauge("redisRetries", store::retriedCommands);
    Lease lease = Lease.open(settings.lease(), metrics);
    return new PartFlusher(
        store,
        lease,
        new FlushLocks(store, lease, settings.lockTtl(), metrics),
        new PayloadRecovery(settings.reread()),
        new FlushMetrics(metrics, wall));
  }

  /** Flushes {@code parts}, which are all loaded at once. */
  void flush(List<DuePart> parts, PartBuilder builder, Done done) throws InterruptedException {
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
