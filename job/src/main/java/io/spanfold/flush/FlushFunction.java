package io.spanfold.flush;

import io.spanfold.build.PartBuilder;
import io.spanfold.lease.Lease;
import io.spanfold.lease.LeaseSettings;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.LoadedPart;
import io.spanfold.model.PartCandidate;
import io.spanfold.reread.LostPayloads;
import io.spanfold.reread.RereadSettings;
import io.spanfold.stage.StageFunction;
import io.spanfold.stage.StageTask;
import io.spanfold.stage.StageWorker;
import io.spanfold.store.SegmentStore;
import io.spanfold.store.StoreSettings;
import java.time.Clock;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Supplier;
import org.apache.flink.metrics.MetricGroup;

/**
 * Flushes parts. Parts of one trace are flushed one after another, in the order in which they
 * became due: two of them may share a subsegment, which the later one lets be deleted.
 */
public final class FlushFunction implements StageFunction<PartCandidate, FlushedPart> {

  private static final long serialVersionUID = 1L;

  /** A part is held twice: as it was loaded, and as messages. */
  private static final int COPIES = 2;

  private final StoreSettings settings;
  private final LeaseSettings lease;
  private final Duration lockTtl;
  private final RereadSettings reread;
  private final int chunkBytes;
  private final Clock wall;

  /**
   * Makes a function that loads from the store of {@code settings}.
   *
   * @param settings where the payloads are
   * @param lease the lease under which segments are locked
   * @param lockTtl how long a lock lives that nobody releases
   * @param reread where the records are that they were made from
   * @param chunkBytes the largest length of a message's value
   * @param wall the wall clock; serializable
   */
  public FlushFunction(
      StoreSettings settings,
      LeaseSettings lease,
      Duration lockTtl,
      RereadSettings reread,
      int chunkBytes,
      Clock wall) {
    this.settings = settings;
    this.lease = lease;
    this.lockTtl = lockTtl;
    this.reread = reread;
    this.chunkBytes = chunkBytes;
    this.wall = wall;
  }

  @Override
  public StageWorker<PartCandidate, FlushedPart> open(MetricGroup metrics) {
    SegmentStore store = SegmentStore.connect(settings);
    metrics.gauge("redisRetries", store::retriedCommands);
    Lease held = Lease.open(lease, metrics);
    return new Flusher(
        store,
        held,
        new FlushLocks(store, held, lockTtl, metrics),
        new LostPayloads(reread),
        new PartBuilder(chunkBytes, wall),
        new FlushMetrics(metrics, wall));
  }

  /** The lag is how long the part that has been in flush for longest is due, by the wall clock. */
  @Override
  public void register(MetricGroup metrics, Supplier<PartCandidate> oldest) {
    metrics.gauge(
        "flushLagMillis",
        () -> {
          PartCandidate part = oldest.get();
          return part == null ? 0L : Math.max(0, wall.millis() - part.dueAt());
        });
  }

  /** Slices are what a candidate consists of: they are counted. */
  @Override
  public long waitingCost(PartCandidate part) {
    return 1L + part.slices().size();
  }

  @Override
  public long activeCost(PartCandidate part) {
    return part.recordBytes() * COPIES;
  }

  @Override
  public int affinity(PartCandidate part) {
    return part.trace().hashCode();
  }

  private record Flusher(
      SegmentStore store,
      Lease lease,
      FlushLocks locks,
      LostPayloads lostPayloads,
      PartBuilder builder,
      FlushMetrics metrics)
      implements StageWorker<PartCandidate, FlushedPart> {

    @Override
    public void process(List<StageTask<PartCandidate, FlushedPart>> tasks)
        throws InterruptedException {
      IdentityHashMap<PartCandidate, StageTask<PartCandidate, FlushedPart>> taskOf =
          new IdentityHashMap<>();
      tasks.forEach(task -> taskOf.put(task.input(), task));
      List<PartCandidate> candidates = tasks.stream().map(StageTask::input).toList();
      locks.take(candidates);
      List<LoadedPart> stored = store.load(candidates);
      List<LoadedPart> parts = lostPayloads.restore(stored);
      metrics.restored(stored, parts);
      for (LoadedPart loaded : parts) {
        FlushedPart flushed = builder.build(loaded);
        metrics.flushed(loaded, flushed);
        taskOf.get(loaded.candidate()).complete(List.of(flushed));
      }
    }

    @Override
    public void close() {
      try (store;
          lease) {
        lostPayloads.close();
      }
    }
  }
}
