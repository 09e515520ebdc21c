package io.spanfold.job.flush;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Outcome;
import java.time.Clock;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** What is counted of flushes: one of these for each worker, and used by it alone. */
final class FlushMetrics {

  private final Counter parts;
  private final Counter spans;
  private final Counter rereadSubsegments;
  private final Counter rereadSpans;
  private final Counter lost;
  private final Clock wall;
  private volatile long lastFlushAt;

  FlushMetrics(MetricGroup metrics, Clock wall) {
    parts = metrics.counter("partsFlushed");
    spans = metrics.counter("spansFlushed");
    rereadSubsegments = metrics.counter("rereadSubsegments");
    rereadSpans = metrics.counter("rereadSpans");
    lost = metrics.counter("spansLost");
    this.wall = wall;
    metrics.gauge("lastFlushAt", () -> lastFlushAt);
  }

  /** Counts what {@code parts} have that {@code stored}, the same as Redis gave them, have not. */
  void restored(List<LoadedPart> stored, List<LoadedPart> parts) {
    if (stored == parts) {
      return;
    }
    for (int i = 0; i < parts.size(); i++) {
      for (int j = 0; j < parts.get(i).slices().size(); j++) {
        LoadedSlice before = stored.get(i).slices().get(j);
        LoadedSlice after = parts.get(i).slices().get(j);
        if (before.lostSpans() > after.lostSpans()) {
          rereadSubsegments.inc();
          rereadSpans.inc(before.lostSpans() - after.lostSpans());
        }
      }
    }
  }

  void flushed(LoadedPart loaded, FlushedPart flushed) {
    if (loaded.candidate().spanCount() == 0) {
      return; // Nothing but subsegments to delete, as all their spans were duplicates.
    }
    parts.inc();
    spans.inc(flushed.receipt().spanIds().length);
    for (Outcome outcome : flushed.outcomes()) {
      lost.inc(outcome.quantity());
    }
    lastFlushAt = wall.millis();
  }
}
