package io.spanfold.job.flush;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.sink.SegmentStrategy.Rebuild;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.metrics.MetricGroup;

/** Makes parts again from the store, and from the source topic what the store lost. */
public final class StoreRebuild implements Rebuild {

  /** Parts are loaded together up to this many bytes of records, so that memory is bounded. */
  private static final long BATCH_BYTES = 16L * 1024 * 1024;

  private static final int BATCH_PARTS = 1_000;

  private final PartFlusher flusher;
  private final Clock wall;

  /**
   * Opens one. What it counts stands in the group {@code again}.
   *
   * @param settings what it works with
   * @param metrics where to count
   * @param wall the wall clock
   */
  public StoreRebuild(FlushSettings settings, MetricGroup metrics, Clock wall) {
    this.flusher = PartFlusher.open(settings, metrics.addGroup("again"), wall);
    this.wall = wall;
  }

  @Override
  public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts)
      throws InterruptedException {
    List<DuePart> batch = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < receipts.size(); i++) {
      Receipt receipt = receipts.get(i);
      batch.add(receipt.candidate());
      bytes += receipt.candidate().recordBytes();
      // Parts in flight at an upgrade may have been cut otherwise than those made since.
      boolean last =
          i + 1 == receipts.size() || receipts.get(i + 1).chunkBytes() != receipt.chunkBytes();
      if (last || bytes >= BATCH_BYTES || batch.size() == BATCH_PARTS) {
        PartBuilder builder = new PartBuilder(receipt.chunkBytes(), wall);
        flusher.flush(batch, builder, (candidate, part) -> parts.accept(part));
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
