package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseException;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockRefusedException;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;

/** Cleans up in the store, if the lease that Redis has now is this attempt's. */
public final class StoreCleanUp implements CleanUp {

  private final SegmentStore store;
  private final Lease lease;
  private final Duration timeout;

  /** Makes a clean-up that owns {@code store} and {@code lease}. */
  StoreCleanUp(SegmentStore store, Lease lease, Duration timeout) {
    this.store = store;
    this.lease = lease;
    this.timeout = timeout;
  }

  /**
   * Connects to the store and asks for the lease.
   *
   * @param timeout how long to wait for the lease if it is not ours yet
   * @throws IOException if the store cannot be reached
   */
  public static StoreCleanUp open(
      StoreSettings store, LeaseSettings lease, Duration timeout, MetricGroup metrics)
      throws IOException {
    try {
      return new StoreCleanUp(SegmentStore.connect(store), Lease.open(lease, metrics), timeout);
    } catch (RuntimeException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void cleanUp(List<Receipt> receipts) throws IOException, InterruptedException {
    try {
      LockOwner owner = lease.confirm(timeout);
      lease.check(store.leaseEpoch());
      cleanUp(receipts, owner);
    } catch (LeaseException | SuppressRestartsException e) {
      throw e; // Another job or attempt has taken over: this one must not continue.
    } catch (RuntimeException e) {
      throw new IOException(e);
    }
  }

  /**
   * A refused lock is of an attempt that has taken over, or of one that Redis has forgotten
   * together with the lease: then the clean-up is possible once the lock has expired.
   */
  private void cleanUp(List<Receipt> receipts, LockOwner owner) {
    try {
      store.cleanUp(receipts, owner);
    } catch (LockRefusedException e) {
      lease.check(store.leaseEpoch());
      throw e;
    }
  }

  @Override
  public void close() {
    try (store) {
      lease.close();
    }
  }
}
