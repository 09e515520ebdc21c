package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.gate.RefusalRetries;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.recovery.PayloadRecovery;
import java.time.Clock;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.flink.metrics.MetricGroup;

/**
 * Turns requests into flushed parts: requests of the fold, and parts that are made again because
 * their transaction was aborted. For one thread, which it blocks.
 */
record PartFlusher(
    SegmentStore store,
    Lease lease,
    FlushLocks locks,
    PayloadRecovery recovery,
    FlushMetrics metrics,
    RefusalRetries retries)
    implements AutoCloseable {

  static PartFlusher open(FlushSettings settings, MetricGroup metrics, Clock wallClock) {
    SegmentStore store = SegmentStore.connect(settings.store());
    metrics.gauge("redisRetries", store::retriedCommands);
    Lease lease = Lease.open(settings.lease(), metrics);
    lease.register(metrics);
    FlushMetrics flushed = new FlushMetrics(metrics, wallClock);
    return new PartFlusher(
        store,
        lease,
        new FlushLocks(
            store,
            settings.store().buckets(),
            lease,
            settings.lockTtl(),
            flushed,
            System::nanoTime),
        new PayloadRecovery(settings.recovery()),
        flushed,
        new RefusalRetries(metrics.counter("flushesRefused")));
  }

  /**
   * Flushes {@code requests}, whose payloads are all in memory at once. Waits for as long as Redis
   * refuses.
   *
   * @param done receives each request and its flushed part
   * @throws io.spanfold.buffer.lease.LeaseException if a newer attempt has the lease
   * @throws org.apache.flink.runtime.execution.SuppressRestartsException if another job has it
   * @throws io.spanfold.buffer.redis.StoreException if Redis does not answer
   */
  void flush(
      List<FlushRequest> requests, PartBuilder builder, BiConsumer<FlushRequest, FlushedPart> done)
      throws InterruptedException {
    List<DuePart> parts =
        requests.stream().filter(DuePart.class::isInstance).map(DuePart.class::cast).toList();
    for (LoadedPart loaded : recovery.restore(retries.run(() -> load(parts)))) {
      FlushedPart flushed = builder.build(loaded);
      metrics.flushed(loaded, flushed);
      done.accept(loaded.due(), flushed);
    }
    // After the parts, as one of them may have spans of the same subsegment. Were a discard
    // committed before its part, the part could not be loaded again after a failure.
    for (FlushRequest request : requests) {
      if (request instanceof Discard discard) {
        done.accept(discard, FlushedPart.discarded(discard));
      }
    }
  }

  private List<LoadedPart> load(List<DuePart> parts) throws InterruptedException {
    locks.take(parts);
    return store.load(parts);
  }

  /** Returns whether Redis refuses the current flush, or the lease; for any thread. */
  boolean isWaiting() {
    return retries.isWaiting() || !lease.isHeld();
  }

  @Override
  public void close() {
    try (store;
        lease) {
      recovery.close();
    }
  }
}
