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
  private final int chunkBytes;
  private final Clock wallClock;

  /**
   * @param chunkBytes the largest length of a message's value, now
   * @param metrics its metrics are in the group {@code again} of this
   */
  public StoreRebuild(
      FlushSettings settings, int chunkBytes, MetricGroup metrics, Clock wallClock) {
    this(PartFlusher.open(settings, metrics.addGroup("again"), wallClock), chunkBytes, wallClock);
  }

  StoreRebuild(PartFlusher flusher, int chunkBytes, Clock wallClock) {
    this.flusher = flusher;
    this.chunkBytes = chunkBytes;
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
        // If the limit was lowered since, the topic would refuse the messages as they were. Others
        // have other ids, but the status of the recovery's transaction tells that they are there.
        PartBuilder builder =
            new PartBuilder(Math.min(receipt.chunkBytes(), chunkBytes), wallClock);
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
