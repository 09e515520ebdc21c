package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.core.model.DuePart;
import io.spanfold.job.lease.Lease;
import java.time.Duration;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the locks of segments before their parts are loaded. What is locked is released by the
 * clean-up, or ends by its TTL.
 *
 * <p>A lock is for whoever has the newest epoch. It keeps a process out that was superseded and
 * does not know it yet. Where it can tell nothing, as Redis has no room for it or it is that of an
 * epoch which Redis lost with the lease, the lease alone decides.
 */
final class FlushLocks {

  private static final Logger LOG = LoggerFactory.getLogger(FlushLocks.class);

  private final SegmentStore store;
  private final Lease lease;
  private final Duration ttl;
  private final Counter takeOvers;
  private final Counter refused;
  private final Counter withoutRoom;

  FlushLocks(SegmentStore store, Lease lease, Duration ttl, MetricGroup metrics) {
    this.store = store;
    this.lease = lease;
    this.ttl = ttl;
    this.takeOvers = metrics.counter("lockTakeOvers");
    this.refused = metrics.counter("locksRefused");
    this.withoutRoom = metrics.counter("locksWithoutRoom");
    lease.register(metrics);
  }

  /**
   * Locks the segments of those {@code parts} that have something to flush, in one round. What is
   * merely to be deleted is known by where the index filed it, which may be another place when it
   * is written again.
   *
   * @throws io.spanfold.buffer.lease.LeaseException where somebody else has the lease
   */
  void take(List<DuePart> parts) throws InterruptedException {
    LockOwner owner = lease.confirm();
    List<DuePart> flushed = parts.stream().filter(part -> part.spanCount() > 0).toList();
    if (flushed.isEmpty()) {
      return;
    }
    List<LockState> states = store.lock(flushed, owner, ttl);
    takeOvers.inc(count(states, LockState.TAKEN_OVER));
    withoutRoom.inc(count(states, LockState.NO_ROOM));
    long others = count(states, LockState.REFUSED);
    if (others > 0) {
      refused.inc(others);
      lease.check(store.leaseEpoch());
      LOG.warn(
          "{} of {} segments are locked by a newer epoch than {}, which the lease does not know of:"
              + " Redis lost it. They are flushed all the same.",
          others,
          flushed.size(),
          owner.epoch());
    }
  }

  private static long count(List<LockState> states, LockState state) {
    return states.stream().filter(s -> s == state).count();
  }
}
