package io.spanfold.flush;

import io.spanfold.build.PartBuilder;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.PartCandidate;
import io.spanfold.stage.StageFunction;
import io.spanfold.stage.StageTask;
import io.spanfold.stage.StageWorker;
import java.time.Clock;
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
  public StageWorker<PartCandidate, FlushedPart> open(MetricGroup metrics) {
    return new Worker(PartFlusher.open(settings, metrics, wall), new PartBuilder(chunkBytes, wall));
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

  private record Worker(PartFlusher flusher, PartBuilder builder)
      implements StageWorker<PartCandidate, FlushedPart> {

    @Override
    public void process(List<StageTask<PartCandidate, FlushedPart>> tasks)
        throws InterruptedException {
      IdentityHashMap<PartCandidate, StageTask<PartCandidate, FlushedPart>> taskOf =
          new IdentityHashMap<>();
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
