package io.spanfold.job.flush;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.lease.LeaseException;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.sink.CleanUp;
import io.spanfold.job.sink.NotOwnerException;
import java.time.Duration;
import java.util.List;

/** Cleans up in the store, for whoever has the lease as Redis has it now. */
public final class StoreCleanUp implements CleanUp {

  private final SegmentStore store;
  private final Lease lease;
  private final Duration patience;

  /**
   * Makes a clean-up that owns {@code store} and {@code lease}.
   *
   * @param patience how long to wait for the lease, where it is not ours yet
   */
  public StoreCleanUp(SegmentStore store, Lease lease, Duration patience) {
    this.store = store;
    this.lease = lease;
    this.patience = patience;
  }

  @Override
  public void cleanUp(List<Receipt> receipts) throws InterruptedException {
    try {
      LockOwner owner = lease.confirm(patience);
      lease.check(store.leaseEpoch());
      store.cleanUp(receipts, owner);
    } catch (LeaseException e) {
      throw new NotOwnerException(e);
    }
  }

  @Override
  public void close() {
    try (store) {
      lease.close();
    }
  }
}
