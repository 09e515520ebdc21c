package io.spanfold.job.flush;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.async.AsyncStageFunction;
import java.time.Clock;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Supplier;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.metrics.MetricGroup;

/**
 * Flushes parts, and turns discards into receipts for the clean-up. Requests of one trace are
 * served in their order: two parts may share a subsegment, which the later request deletes.
 */
public final class FlushFunction implements AsyncStageFunction<FlushRequest, FlushedPart> {

  private static final long serialVersionUID = 1L;

  /** A part is in memory twice: as it was loaded, and as messages. */
  private static final int COPIES = 2;

  private final FlushSettings settings;
  private final int chunkBytes;
  private final Clock wallClock;

  /**
   * @param chunkBytes the largest length of a message's value
   * @param wallClock has to be serializable
   */
  public FlushFunction(FlushSettings settings, int chunkBytes, Clock wallClock) {
    this.settings = settings;
    this.chunkBytes = chunkBytes;
    this.wallClock = wallClock;
  }

  @Override
  public Worker<FlushRequest, FlushedPart> open(MetricGroup metrics, TaskInfo task) {
    return new Flusher(
        PartFlusher.open(settings, metrics, wallClock), new PartBuilder(chunkBytes, wallClock));
  }

  /** The lag is the time since the oldest request in flush became due, by the wall clock. */
  @Override
  public void register(MetricGroup metrics, Supplier<FlushRequest> oldest) {
    metrics.gauge(
        "flushLagMillis",
        () -> {
          FlushRequest request = oldest.get();
          return request == null ? 0L : Math.max(0, wallClock.millis() - request.dueAt());
        });
  }

  /** Counts slices, because they take the memory of a waiting part. */
  @Override
  public long waitingCost(FlushRequest request) {
    return request instanceof DuePart part ? 1L + part.slices().size() : 1L;
  }

  @Override
  public long activeCost(FlushRequest request) {
    return request.recordBytes() * COPIES;
  }

  /** The bucket: a load costs about as much for many parts of a bucket as for one. */
  @Override
  public int orderingKey(FlushRequest request) {
    return settings.store().buckets().of(request.trace());
  }

  private record Flusher(PartFlusher flusher, PartBuilder builder)
      implements Worker<FlushRequest, FlushedPart> {

    @Override
    public void process(List<Task<FlushRequest, FlushedPart>> tasks) throws InterruptedException {
      IdentityHashMap<FlushRequest, Task<FlushRequest, FlushedPart>> taskOf =
          new IdentityHashMap<>();
      tasks.forEach(task -> taskOf.put(task.input(), task));
      flusher.flush(
          tasks.stream().map(Task::input).toList(),
          builder,
          (request, flushed) -> taskOf.get(request).complete(List.of(flushed)));
    }

    @Override
    public boolean isWaiting() {
      return flusher.isWaiting();
    }

    @Override
    public void close() {
      flusher.close();
    }
  }
}
