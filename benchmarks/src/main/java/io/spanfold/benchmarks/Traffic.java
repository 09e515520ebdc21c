package io.spanfold.benchmarks;

import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.TraceKey;
import io.spanfold.local.bench.load.Load;
import io.spanfold.local.bench.load.SpanStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The input of a subtask in half a second of the typical load, in the form of each step. */
final class Traffic {

  /** The number of spans; scores are divided by it. */
  static final int SPANS = 10_000;

  static final int MAX_RECORD_BYTES = 9_000_000;

  /** The bit of {@code Subsegment.layouts()} that the last rollout phase writes. */
  private static final int DISTRIBUTED_LAYOUT = 2;

  static final SubsegmentGrouping GROUPING =
      new SubsegmentGrouping(10_000, 1_000_000, DISTRIBUTED_LAYOUT);

  private Traffic() {}

  /** Returns the records. */
  static List<byte[]> records() {
    SpanStream stream = new SpanStream(Load.typical(SPANS), 1_700_000_000_000L);
    List<byte[]> records = new ArrayList<>();
    while (stream.hasNext()) {
      records.add(stream.next());
    }
    return records;
  }

  /** Returns the spans by trace. */
  static Map<TraceKey, List<Span>> traces() {
    SpanParser parser = new SpanParser(MAX_RECORD_BYTES);
    Map<TraceKey, List<Span>> traces = new LinkedHashMap<>();
    long offset = 0;
    for (byte[] record : records()) {
      try {
        Span span = parser.parse(record, 1_700_000_000_000L + offset / 10, 0, offset++);
        traces.computeIfAbsent(span.trace(), t -> new ArrayList<>()).add(span);
      } catch (RejectedRecordException e) {
        throw new IllegalStateException("the load has a bad record", e);
      }
    }
    return traces;
  }

  /** Returns the traces' shares of a batch. */
  static List<TraceSpans> batch() {
    List<TraceSpans> batch = new ArrayList<>();
    traces().forEach((trace, spans) -> batch.add(GROUPING.group(trace, spans)));
    return batch;
  }
}
