package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.core.model.DuePart;
import io.spanfold.job.lease.Lease;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The flush locks of buckets. They stay this attempt's until a newer one takes them, or no flush
 * has taken them again for the time of their TTL.
 *
 * <p>A lock belongs to the newest epoch, so a superseded process gets none, even if it is not aware
 * of that yet. The lease alone decides if Redis has no room for a lock, or if the lock belongs to
 * an epoch that Redis lost together with the lease.
 *
 * <p>For one thread, which it blocks.
 */
final class FlushLocks {

  private static final Logger LOG = LoggerFactory.getLogger(FlushLocks.class);

  /**
   * How long a lock is not taken again. A process that was stalled for longer asks before it loads
   * anything. What a shorter stall lets it load is not deleted: the clean-up looks at the lock,
   * too.
   */
  static final Duration HELD = Duration.ofSeconds(1);

  private final SegmentStore store;
  private final Buckets buckets;
  private final Lease lease;
  private final Duration ttl;
  private final FlushMetrics metrics;
  private final LongSupplier nanoTime;

  /** When each lock was taken last, by {@link #owner}. */
  private final Map<Integer, Long> takenAt = new HashMap<>();

  private LockOwner owner;

  /**
   * @param ttl the time after which a lock that was not taken again expires; longer than {@link
   *     #HELD}
   * @param nanoTime the clock by which a lock is held
   */
  FlushLocks(
      SegmentStore store,
      Buckets buckets,
      Lease lease,
      Duration ttl,
      FlushMetrics metrics,
      LongSupplier nanoTime) {
    this.store = store;
    this.buckets = buckets;
    this.lease = lease;
    this.ttl = ttl;
    this.metrics = metrics;
    this.nanoTime = nanoTime;
  }

  /**
   * Takes the locks of the parts' buckets, in one round, unless it has taken them within the last
   * second.
   *
   * @throws io.spanfold.buffer.lease.LeaseException if a newer attempt has the lease
   * @throws org.apache.flink.runtime.execution.SuppressRestartsException if another job has it
   * @throws io.spanfold.buffer.redis.StoreException if Redis does not answer
   */
  void take(List<DuePart> parts) throws InterruptedException {
    LockOwner confirmed = lease.confirm();
    if (!confirmed.equals(owner)) {
      takenAt.clear();
      owner = confirmed;
    }
    long now = nanoTime.getAsLong();
    takenAt.values().removeIf(at -> now - at >= HELD.toNanos());
    List<DuePart> missing =
        parts.stream().filter(part -> !takenAt.containsKey(buckets.of(part.trace()))).toList();
    if (missing.isEmpty()) {
      return;
    }
    List<LockState> states = store.lock(missing, owner, ttl);
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
    } else {
      missing.forEach(part -> takenAt.put(buckets.of(part.trace()), now));
    }
  }
}
