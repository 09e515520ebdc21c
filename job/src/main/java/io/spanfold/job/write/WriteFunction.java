package io.spanfold.job.write;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.buffer.redis.StoreRefusedException;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Lineage;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.job.async.AsyncStageFunction;
import io.spanfold.job.gate.RedisGate;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.gate.RefusalRetries;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.resource.SharedResource.Share;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.LongPrimitiveArraySerializer;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.util.IOUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes batches to Redis. A batch that is not acknowledged when a barrier comes is in the
 * checkpoint, as an element of the stage. Only acknowledged batches reach the fold, so only stored
 * spans are ever emitted.
 *
 * <p>After a restart it first removes from Redis what no state refers to: what attempts wrote after
 * the checkpoint that the next one was restored from. All that they had read is read again.
 */
public final class WriteFunction
    implements AsyncStageFunction<SpanBatch, StoredTrace>, CheckpointedFunction {

  private static final long serialVersionUID = 1L;

  private static final Logger LOG = LoggerFactory.getLogger(WriteFunction.class);

  private final StoreSettings settings;
  private final LeaseSettings lease;
  private final RedisGateSettings gateSettings;

  /** Set by the worker thread, read by the task thread. */
  private transient volatile RedisGate gate;

  private transient ListState<long[]> attempts;

  /** The checkpoint that the job is restored from; 0 for none. */
  private transient long restoredCheckpoint;

  // Guarded by this: set by one of the two threads, read by the other.
  private transient Lineage lineage;
  private transient long checkpoint;

  public WriteFunction(StoreSettings settings, LeaseSettings lease, RedisGateSettings gate) {
    this.settings = settings;
    this.lease = lease;
    this.gateSettings = gate;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    attempts =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>("attempts", LongPrimitiveArraySerializer.INSTANCE));
    Map<Long, Long> restoredFrom = new HashMap<>();
    for (long[] attempt : attempts.get()) {
      restoredFrom.put(attempt[0], attempt[1]);
    }
    restoredCheckpoint = context.getRestoredCheckpointId().orElse(0);
    synchronized (this) {
      lineage = Lineage.of(restoredFrom);
      checkpoint = restoredCheckpoint;
    }
  }

  /**
   * What is written from now on is after this checkpoint, and of no use to an attempt that is
   * restored from it.
   */
  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    List<long[]> all = new ArrayList<>();
    synchronized (this) {
      checkpoint = context.getCheckpointId();
      lineage.restoredFrom().forEach((epoch, from) -> all.add(new long[] {epoch, from}));
    }
    attempts.update(all);
  }

  @Override
  public Worker<SpanBatch, StoredTrace> open(MetricGroup metrics, TaskInfo task)
      throws InterruptedException {
    Writer writer = new Writer(metrics);
    try {
      writer.begin(task);
      return writer;
    } catch (Throwable e) {
      writer.close();
      throw e;
    }
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

  /** Returns the generation of a batch: that of its first try, in whatever attempt it was. */
  private synchronized Generation generation(SpanBatch batch, long epoch) {
    Generation first = batch.generation();
    // Nothing of a given-up generation is kept, also not what the first try of this batch stored.
    return first == null || lineage.isGivenUp(first) ? new Generation(epoch, checkpoint) : first;
  }

  private final class Writer implements Worker<SpanBatch, StoredTrace> {

    private final SegmentStore store;
    private final Lease lease;
    private final Share<RedisGate> share;
    private final RefusalRetries retries;

    Writer(MetricGroup metrics) {
      store = SegmentStore.connect(settings);
      metrics.gauge("redisRetries", store::retriedCommands);
      share = RedisGate.open(gateSettings);
      gate = share.get();
      lease = Lease.open(WriteFunction.this.lease, metrics);
      retries = new RefusalRetries(metrics.counter("writesRefused"));
    }

    void begin(TaskInfo task) throws InterruptedException {
      LockOwner owner = lease.confirm();
      long firstEpoch = lease.firstEpoch();
      Lineage current;
      synchronized (WriteFunction.this) {
        if (restoredCheckpoint == 0) {
          // The earlier attempts of this run have not completed any checkpoint.
          lineage = Lineage.of(Map.of(firstEpoch, Lineage.NOTHING_KEPT));
        }
        lineage = lineage.continuedBy(owner.epoch(), restoredCheckpoint);
        current = lineage;
      }
      if (restoredCheckpoint > 0 || firstEpoch < owner.epoch()) {
        retries.run(() -> removeGivenUp(current, owner, task));
      }
    }

    /** Each subtask removes traces of its own key groups: only it writes them. */
    private long removeGivenUp(Lineage current, LockOwner owner, TaskInfo task) {
      Buckets buckets = settings.buckets();
      KeyGroupRange groups =
          KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
              buckets.maxParallelism(),
              task.getNumberOfParallelSubtasks(),
              task.getIndexOfThisSubtask());
      Runnable check = () -> lease.check(store.leaseEpoch());
      long removed = 0;
      try {
        removed +=
            store.removeGivenUp(
                buckets.of(groups.getStartKeyGroup(), groups.getEndKeyGroup()),
                trace -> groups.contains(buckets.keyGroup(trace)),
                current::isGivenUp,
                owner,
                check);
        if (task.getIndexOfThisSubtask() == 0) {
          check.run();
          removed += store.removeGivenUpPayloads(current::isGivenUp);
        }
      } catch (StoreRefusedException e) {
        throw e; // It is repeated.
      } catch (StoreException e) {
        // Only memory is lost: no reason to fail.
        LOG.warn("What given-up attempts have left is left to its TTL: {}", e.getMessage());
      }
      LOG.info(
          "Removed {} subsegments and hashes that given-up attempts have left in Redis.", removed);
      return removed;
    }

    @Override
    public void process(List<Task<SpanBatch, StoredTrace>> tasks) throws InterruptedException {
      for (Task<SpanBatch, StoredTrace> task : tasks) {
        long epoch = lease.confirm().epoch();
        SpanBatch batch;
        synchronized (WriteFunction.this) {
          batch = task.input().in(generation(task.input(), epoch));
          task.replace(batch);
        }
        task.complete(retries.run(() -> write(batch)));
      }
    }

    private List<StoredTrace> write(SpanBatch batch) throws InterruptedException {
      lease.confirm();
      return store.write(batch);
    }

    @Override
    public void close() {
      try (store) {
        lease.close();
      } finally {
        IOUtils.closeQuietly(share);
      }
    }
  }
}
