package io.spanfold.job.write;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.StoreFullException;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.job.async.AsyncStageFunction;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.memory.RedisMemoryMonitor;
import io.spanfold.job.memory.RedisMemoryMonitorSettings;
import io.spanfold.job.resource.SharedResource.Share;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes batches to Redis. A batch that is not acknowledged when a barrier comes is in the
 * checkpoint, as an element of the stage. Only acknowledged batches reach the fold, so only stored
 * spans are ever emitted.
 */
public final class WriteFunction implements AsyncStageFunction<SpanBatch, StoredTrace> {

  private static final long serialVersionUID = 1L;

  private static final Logger LOG = LoggerFactory.getLogger(WriteFunction.class);

  private final StoreSettings settings;
  private final LeaseSettings lease;
  private final RedisMemoryMonitorSettings guardSettings;

  /** Set by the worker thread, read by the task thread. */
  private transient volatile RedisMemoryMonitor guard;

  /** The last checkpoint, 0 before the first. Set by the task thread, read by the worker thread. */
  private transient volatile long checkpoint;

  public WriteFunction(
      StoreSettings settings, LeaseSettings lease, RedisMemoryMonitorSettings guard) {
    this.settings = settings;
    this.lease = lease;
    this.guardSettings = guard;
  }

  @Override
  public Worker<SpanBatch, StoredTrace> open(MetricGroup metrics) {
    SegmentStore store = SegmentStore.connect(settings);
    metrics.gauge("redisRetries", store::retriedCommands);
    Share<RedisMemoryMonitor> share = RedisMemoryMonitor.open(guardSettings);
    guard = share.get();
    return new Writer(
        store,
        Lease.open(lease, metrics),
        () -> checkpoint,
        share,
        metrics.counter("writesRefused"));
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
    RedisMemoryMonitor opened = guard;
    return opened != null && opened.state() == RedisMemoryMonitor.State.FULL;
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
      Share<RedisMemoryMonitor> guard,
      Counter refused)
      implements Worker<SpanBatch, StoredTrace> {

    @Override
    public void process(List<Task<SpanBatch, StoredTrace>> tasks) throws InterruptedException {
      for (Task<SpanBatch, StoredTrace> task : tasks) {
        task.complete(write(task.input()));
      }
    }

    /** Retries without limit while Redis is full: the source is paused, and flushes make room. */
    private List<StoredTrace> write(SpanBatch batch) throws InterruptedException {
      // One for all tries: what an earlier one has stored is overwritten, not stored twice.
      long generation = checkpoint.getAsLong();
      while (true) {
        try {
          LockOwner owner = lease.confirm();
          return store.write(batch, owner.epoch(), generation);
        } catch (StoreFullException e) {
          refused.inc();
          LOG.warn("Redis has no room for a batch; the write is retried: {}", e.getMessage());
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
