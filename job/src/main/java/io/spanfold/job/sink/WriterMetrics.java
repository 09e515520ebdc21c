package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.Outcome;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** What is counted of parts that are written, whether they are committed or not. */
final class WriterMetrics {

  private final Counter segmentsOut;
  private final Counter partsOut;
  private final Counter messagesOut;
  private final Counter spansOut;
  private final Counter outcomeSpansOut;

  WriterMetrics(MetricGroup metrics) {
    segmentsOut = metrics.counter("segmentsOut");
    partsOut = metrics.counter("partsOut");
    messagesOut = metrics.counter("messagesOut");
    spansOut = metrics.counter("spansOut");
    outcomeSpansOut = metrics.counter("outcomeSpansOut");
  }

  void written(FlushedPart part) {
    outcomeSpansOut.inc(part.outcomes().stream().mapToLong(Outcome::quantity).sum());
    if (part.messages().isEmpty()) {
      return; // Nothing but subsegments to delete: all their spans were duplicates, or lost.
    }
    partsOut.inc();
    if (part.receipt().partNumber() == 0) {
      segmentsOut.inc();
    }
    messagesOut.inc(part.messages().size());
    spansOut.inc(part.receipt().spanIds().length);
  }
}
