package io.spanfold.job.flush;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.job.async.AsyncStageFunction;
import io.spanfold.job.async.StageTask;
import io.spanfold.job.async.StageWorker;
import java.time.Clock;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Supplier;
import org.apache.flink.metrics.MetricGroup;

/**
 * Flushes parts. Parts of one trace are flushed one after another, in the order in which they
 * became due: two of them may share a subsegment, which the later one lets be deleted.
 */
public final class FlushFunction implements AsyncStageFunction<DuePart, FlushedPart> {

  private static final long serialVersionUID = 1L;

  /** A part is held twice: as it was loaded, and as messages. */
  private static final int COPIES = 2;

  private final FlushSettings settings;
  private final int chunkBytes;
  private final Clock wall;

  /**
   * Makes a function.
   *
   * @param settings what it works with
   * @param chunkBytes the largest length of a message's value
   * @param wall the wall clock; serializable
   */
  public FlushFunction(FlushSettings settings, int chunkBytes, Clock wall) {
    this.settings = settings;
    this.chunkBytes = chunkBytes;
    this.wall = wall;
  }

  @Override
  public StageWorker<DuePart, FlushedPart> open(MetricGroup metrics) {
    return new Worker(PartFlusher.open(settings, metrics, wall), new PartBuilder(chunkBytes, wall));
  }

  /** The lag is how long the part that has been in flush for longest is due, by the wall clock. */
  @Override
  public void register(MetricGroup metrics, Supplier<DuePart> oldest) {
    metrics.gauge(
        "flushLagMillis",
        () -> {
          DuePart part = oldest.get();
          return part == null ? 0L : Math.max(0, wall.millis() - part.dueAt());
        });
  }

  /** Slices are what a candidate consists of: they are counted. */
  @Override
  public long waitingCost(DuePart part) {
    return 1L + part.slices().size();
  }

  @Override
  public long activeCost(DuePart part) {
    return part.recordBytes() * COPIES;
  }

  @Override
  public int orderingKey(DuePart part) {
    return part.trace().hashCode();
  }

  private record Worker(PartFlusher flusher, PartBuilder builder)
      implements StageWorker<DuePart, FlushedPart> {

    @Override
    public void process(List<StageTask<DuePart, FlushedPart>> tasks) throws InterruptedException {
      IdentityHashMap<DuePart, StageTask<DuePart, FlushedPart>> taskOf = new IdentityHashMap<>();
      tasks.forEach(task -> taskOf.put(task.input(), task));
      flusher.flush(
          tasks.stream().map(StageTask::input).toList(),
          builder,
          (candidate, flushed) -> taskOf.get(candidate).complete(List.of(flushed)));
    }

    @Override
    public void close() {
      flusher.close();
    }
  }
}
