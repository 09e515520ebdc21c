package io.spanfold.write;

import io.spanfold.lease.Lease;
import io.spanfold.lease.LeaseSettings;
import io.spanfold.model.Bundle;
import io.spanfold.model.StoredTrace;
import io.spanfold.stage.StageFunction;
import io.spanfold.stage.StageTask;
import io.spanfold.stage.StageWorker;
import io.spanfold.store.SegmentStore;
import io.spanfold.store.StoreFullException;
import io.spanfold.store.StoreSettings;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
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

  /** Makes a function that writes to the store of {@code settings} while it has the lease. */
  public WriteFunction(StoreSettings settings, LeaseSettings lease) {
    this.settings = settings;
    this.lease = lease;
  }

  @Override
  public StageWorker<Bundle, StoredTrace> open(MetricGroup metrics) {
    SegmentStore store = SegmentStore.connect(settings);
    metrics.gauge("redisRetries", store::retriedCommands);
    return new Writer(store, Lease.open(lease, metrics), metrics.counter("writesRefused"));
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

  private record Writer(SegmentStore store, Lease lease, Counter refused)
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
      }
    }
  }
}
