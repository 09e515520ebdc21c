package io.spanfold.job.flush;

import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.sink.SegmentStrategy.Rebuild;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.metrics.MetricGroup;

/** Makes parts again from the store, and lost payloads from the source topic. */
public final class StoreRebuild implements Rebuild {

  /** Parts are loaded together up to this many bytes of records: the bound on memory. */
  private static final long BATCH_BYTES = 16L * 1024 * 1024;

  private static final int BATCH_PARTS = 1_000;

  private final PartFlusher flusher;
  private final Clock wallClock;

  /**
   * @param metrics its metrics are in the group {@code again} of this
   */
  public StoreRebuild(FlushSettings settings, MetricGroup metrics, Clock wallClock) {
    this.flusher = PartFlusher.open(settings, metrics.addGroup("again"), wallClock);
    this.wallClock = wallClock;
  }

  @Override
  public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts)
      throws InterruptedException {
    List<FlushRequest> batch = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < receipts.size(); i++) {
      Receipt receipt = receipts.get(i);
      batch.add(receipt.request());
      bytes += receipt.request().recordBytes();
      // Messages in flight at an upgrade may have been cut to another maximum length.
      boolean last =
          i + 1 == receipts.size() || receipts.get(i + 1).chunkBytes() != receipt.chunkBytes();
      if (last || bytes >= BATCH_BYTES || batch.size() == BATCH_PARTS) {
        PartBuilder builder = new PartBuilder(receipt.chunkBytes(), wallClock);
        flusher.flush(batch, builder, (request, part) -> parts.accept(part));
        batch = new ArrayList<>();
        bytes = 0;
      }
    }
  }

  @Override
  public void close() {
    flusher.close();
  }
}
