package io.spanfold.job.write;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.job.async.AsyncStageFunction;
import io.spanfold.job.gate.RedisGate;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.gate.RefusalRetries;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.resource.SharedResource.Share;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;

/**
 * Writes batches to Redis. A batch that is not acknowledged when a barrier comes is in the
 * checkpoint, as an element of the stage. Only acknowledged batches reach the fold, so only stored
 * spans are ever emitted.
 */
public final class WriteFunction implements AsyncStageFunction<SpanBatch, StoredTrace> {

  private static final long serialVersionUID = 1L;

  private final StoreSettings settings;
  private final LeaseSettings lease;
  private final RedisGateSettings gateSettings;

  /** Set by the worker thread, read by the task thread. */
  private transient volatile RedisGate gate;

  /** The last checkpoint, 0 before the first. Set by the task thread, read by the worker thread. */
  private transient volatile long checkpoint;

  public WriteFunction(StoreSettings settings, LeaseSettings lease, RedisGateSettings gate) {
    this.settings = settings;
    this.lease = lease;
    this.gateSettings = gate;
  }

  @Override
  public Worker<SpanBatch, StoredTrace> open(MetricGroup metrics) {
    SegmentStore store = SegmentStore.connect(settings);
    metrics.gauge("redisRetries", store::retriedCommands);
    Share<RedisGate> share = RedisGate.open(gateSettings);
    gate = share.get();
    return new Writer(
        store,
        Lease.open(lease, metrics),
        () -> checkpoint,
        share,
        new RefusalRetries(metrics.counter("writesRefused")));
  }

  @Override
  public void checkpointed(long checkpointId) {
    checkpoint = checkpointId;
  }

  /**
   * Batches that a full Redis refuses wait for flushes, which wait for watermarks; so watermarks
   * must not wait for the batches. Their spans may be late then, and end in further parts.
   */
  @Override
  public boolean mayBeOvertaken() {
    RedisGate opened = gate;
    return opened != null && opened.state() == RedisGate.State.FULL;
  }

  @Override
  public long waitingCost(SpanBatch batch) {
    return batch.payloadBytes();
  }

  @Override
  public long activeCost(SpanBatch batch) {
    return 0;
  }

  @Override
  public int orderingKey(SpanBatch batch) {
    return 0;
  }

  private record Writer(
      SegmentStore store,
      Lease lease,
      LongSupplier checkpoint,
      Share<RedisGate> gate,
      RefusalRetries retries)
      implements Worker<SpanBatch, StoredTrace> {

    @Override
    public void process(List<Task<SpanBatch, StoredTrace>> tasks) throws InterruptedException {
      for (Task<SpanBatch, StoredTrace> task : tasks) {
        task.complete(write(task.input()));
      }
    }

    private List<StoredTrace> write(SpanBatch batch) throws InterruptedException {
      // One for all tries: what an earlier one has stored is overwritten, not stored twice.
      long generation = checkpoint.getAsLong();
      return retries.run(() -> store.write(batch, lease.confirm().epoch(), generation));
    }

    @Override
    public void close() {
      try (store) {
        lease.close();
      } finally {
        IOUtils.closeQuietly(gate);
      }
    }
  }
}
