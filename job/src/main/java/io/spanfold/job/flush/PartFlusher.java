package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.recovery.PayloadRecovery;
import java.time.Clock;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns requests into flushed parts: those that the fold makes, and parts again whose transaction
 * was aborted. For one thread, which it blocks.
 */
record PartFlusher(
    SegmentStore store,
    Lease lease,
    Duration lockTtl,
    PayloadRecovery recovery,
    FlushMetrics metrics)
    implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PartFlusher.class);

  static PartFlusher open(FlushSettings settings, MetricGroup metrics, Clock wallClock) {
    SegmentStore store = SegmentStore.connect(settings.store());
    metrics.gauge("redisRetries", store::retriedCommands);
    Lease lease = Lease.open(settings.lease(), metrics);
    lease.register(metrics);
    return new PartFlusher(
        store,
        lease,
        settings.lockTtl(),
        new PayloadRecovery(settings.recovery()),
        new FlushMetrics(metrics, wallClock));
  }

  /**
   * Flushes {@code requests}, whose payloads are all in memory at once.
   *
   * @param done is given each request and what became of it
   * @throws io.spanfold.buffer.lease.LeaseException if a newer attempt has the lease
   * @throws org.apache.flink.runtime.execution.SuppressRestartsException if another job has it
   * @throws io.spanfold.buffer.StoreException if Redis could not be asked
   */
  void flush(
      List<FlushRequest> requests, PartBuilder builder, BiConsumer<FlushRequest, FlushedPart> done)
      throws InterruptedException {
    List<DuePart> parts =
        requests.stream().filter(DuePart.class::isInstance).map(DuePart.class::cast).toList();
    lock(parts);
    for (LoadedPart loaded : recovery.restore(store.load(parts))) {
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

  /**
   * Takes the flush locks of the parts' segments, in one round. The clean-up releases them, or they
   * expire.
   *
   * <p>A lock belongs to the newest epoch, so that a superseded process that does not know it yet
   * gets none. Where a lock decides nothing, as Redis has no room for it or it is that of an epoch
   * which Redis lost together with the lease, the lease alone decides.
   *
   * <p>Discards take no lock: nothing of them is loaded, and a part may hold that of their segment.
   */
  void lock(List<DuePart> parts) throws InterruptedException {
    LockOwner owner = lease.confirm();
    if (parts.isEmpty()) {
      return;
    }
    List<LockState> states = store.lock(parts, owner, lockTtl);
    metrics.locked(states);
    int refused = Collections.frequency(states, LockState.REFUSED);
    if (refused > 0) {
      lease.check(store.leaseEpoch());
      LOG.warn(
          "{} of {} segments are locked by a newer epoch than {}, which the lease does not know:"
              + " Redis lost the lease. They are flushed nevertheless.",
          refused,
          parts.size(),
          owner.epoch());
    }
  }

  @Override
  public void close() {
    try (store;
        lease) {
      recovery.close();
    }
  }
}
