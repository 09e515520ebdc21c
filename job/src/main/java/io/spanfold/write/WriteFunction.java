package io.spanfold.write;

import io.spanfold.lease.Lease;
import io.spanfold.lease.LeaseSettings;
import io.spanfold.model.Bundle;
import io.spanfold.model.StoredTrace;
import io.spanfold.stage.StageFunction;
import io.spanfold.stage.StageTask;
import io.spanfold.stage.StageWorker;
import io.spanfold.store.SegmentStore;
import io.spanfold.store.StoreSettings;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;

/**
 * Stores bundles. What Redis has not acknowledged when a barrier comes is in the checkpoint, as the
 * bundle is an element of the stage; what it has acknowledged goes on to the fold, and only then
 * can ever be emitted.
 */
public final class WriteFunction implements StageFunction<Bundle, StoredTrace> {

  private static final long serialVersionUID = 1L;

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
    return new Writer(store, Lease.open(lease, metrics));
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

  private record Writer(SegmentStore store, Lease lease)
      implements StageWorker<Bundle, StoredTrace> {

    @Override
    public void process(List<StageTask<Bundle, StoredTrace>> tasks) throws InterruptedException {
      for (StageTask<Bundle, StoredTrace> task : tasks) {
        lease.confirm();
        task.complete(store.write(task.input()));
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
