package io.spanfold.flush;

import io.spanfold.model.FlushedPart;
import io.spanfold.model.LoadedPart;
import io.spanfold.model.Outcome;
import java.time.Clock;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** What is counted of flushes: one of these for each worker, and used by it alone. */
final class FlushMetrics {

  private final Counter parts;
  private final Counter spans;
  private final Counter lost;
  private final Clock wall;
  private volatile long lagMillis;

  FlushMetrics(MetricGroup metrics, Clock wall) {
    parts = metrics.counter("partsFlushed");
    spans = metrics.counter("spansFlushed");
    lost = metrics.counter("spansLost");
    this.wall = wall;
    metrics.gauge("flushLagMillis", () -> lagMillis);
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
    lagMillis = wall.millis() - loaded.candidate().dueAt();
  }
}
