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
 * Turns requests into flushed parts: requests of the fold, and parts that are made again because
 * their transaction was aborted. For one thread, which it blocks.
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
   * Takes the flush locks of the parts' buckets, in one round. They stay this attempt's until a
   * newer one takes them, or no flush has taken them again for the time of their TTL.
   *
   * <p>A lock belongs to the newest epoch, so a superseded process gets none, even if it is not
   * aware of that yet. The lease alone decides if Redis has no room for a lock, or if the lock
   * belongs to an epoch that Redis lost together with the lease.
   *
   * <p>Discards take no lock, because they load nothing.
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
          "{} of {} buckets are locked by a newer epoch than {}, which the lease does not know:"
              + " Redis lost the lease. Their parts are flushed nevertheless.",
          refused,
          states.size(),
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
