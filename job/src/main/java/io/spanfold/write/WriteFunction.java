package io.spanfold.write;

import io.spanfold.lease.Lease;
import io.spanfold.lease.LeaseSettings;
import io.spanfold.model.Bundle;
import io.spanfold.model.StoredTrace;
import io.spanfold.pressure.MemoryGuard;
import io.spanfold.pressure.MemoryGuardSettings;
import io.spanfold.shared.Shared.Share;
import io.spanfold.stage.StageFunction;
import io.spanfold.stage.StageTask;
import io.spanfold.stage.StageWorker;
import io.spanfold.store.SegmentStore;
import io.spanfold.store.StoreFullException;
import io.spanfold.store.StoreSettings;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores bundles. What Redis has not acknowledged when a barrier comes is in the checkpoint, as the
 * bundle is an element of the stage; what it has acknowledged goes on to the fold, and only then
 * can ever be emitted.
 */
public final class WriteFunction implements StageFunction<Bundle, StoredTrace> {

  private static final long serialVersionUID = 1L;

  private static final Logger LOG = LoggerFactory.getLogger(WriteFunction.class);

  private final StoreSettings settings;
  private final LeaseSettings lease;
  private final MemoryGuardSettings guardSettings;

  /** Set by the worker, asked by the task. */
  private transient volatile MemoryGuard guard;

  /**
   * Makes a function that writes to the store of {@code settings} while it has the lease.
   *
   * @param guard knows whether Redis is full
   */
  public WriteFunction(StoreSettings settings, LeaseSettings lease, MemoryGuardSettings guard) {
    this.settings = settings;
    this.lease = lease;
    this.guardSettings = guard;
  }

  @Override
  public StageWorker<Bundle, StoredTrace> open(MetricGroup metrics) {
    SegmentStore store = SegmentStore.connect(settings);
    metrics.gauge("redisRetries", store::retriedCommands);
    Share<MemoryGuard> share = MemoryGuard.open(guardSettings);
    guard = share.get();
    return new Writer(store, Lease.open(lease, metrics), share, metrics.counter("writesRefused"));
  }

  /**
   * Where Redis refuses bundles they wait for flushes, which wait for the time; so time must not
   * wait for them. Their spans are late then, which costs them further parts.
   */
  @Override
  public boolean mayBeOvertaken() {
    MemoryGuard opened = guard;
    return opened != null && opened.state() == MemoryGuard.State.FULL;
  }

  @Override
  public long waitingCost(Bundle bundle) {
    return bundle.payloadBytes();
  }

  @Override
  public long activeCost(Bundle bundle) {
    return 0;
  }

  @Override
  public int affinity(Bundle bundle) {
    return 0;
  }

  private record Writer(SegmentStore store, Lease lease, Share<MemoryGuard> guard, Counter refused)
      implements StageWorker<Bundle, StoredTrace> {

    @Override
    public void process(List<StageTask<Bundle, StoredTrace>> tasks) throws InterruptedException {
      for (StageTask<Bundle, StoredTrace> task : tasks) {
        task.complete(write(task.input()));
      }
    }

    /** A full Redis is a pause: the gate at the source is closed, and flushes make room. */
    private List<StoredTrace> write(Bundle bundle) throws InterruptedException {
      while (true) {
        try {
          lease.confirm();
          return store.write(bundle);
        } catch (StoreFullException e) {
          refused.inc();
          LOG.warn("Redis has no room for a bundle; it is tried again: {}", e.getMessage());
          if (Thread.interrupted()) {
            throw new InterruptedException("cancelled while Redis is full");
          }
        }
      }
    }

    @Override
    public void close() {
      try (store) {
        lease.close();
      } finally {
        IOUtils.closeQuietly(guard);
      }
    }
  }
}
