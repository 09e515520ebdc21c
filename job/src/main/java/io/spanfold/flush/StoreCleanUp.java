package io.spanfold.flush;

import io.spanfold.model.FlushedPart.Receipt;
import io.spanfold.sink.CleanUp;
import io.spanfold.store.SegmentStore;
import java.util.List;

/** Cleans up in the store. */
public final class StoreCleanUp implements CleanUp {

  private final SegmentStore store;

  /** Makes a clean-up that owns {@code store}. */
  public StoreCleanUp(SegmentStore store) {
    this.store = store;
  }

  @Override
  public void cleanUp(List<Receipt> receipts) {
    store.cleanUp(receipts);
  }

  @Override
  public void close() {
    store.close();
  }
}
