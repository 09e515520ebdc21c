package io.spanfold.benchmarks;

import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.local.bench.load.Load;
import io.spanfold.local.bench.load.SpanStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The input of a subtask in a moment, in the form of each step. */
public enum Traffic {
  /** Traces of 25 spans in one segment, of 1,490 bytes each. */
  TYPICAL(Load.typical(Traffic.SPANS)),

  /**
   * What traces of real services look like: 28 spans in 7 segments, of 741 bytes each. A batch has
   * a few spans of each of its traces, and a segment comes in one or two batches.
   */
  SERVICES(Load.services(Traffic.SPANS));

  /** The number of spans; scores are divided by it. */
  static final int SPANS = 10_000;

  static final int MAX_RECORD_BYTES = 9_000_000;

  /** The bit of {@code Subsegment.layouts()} that the last rollout phase writes. */
  private static final int DISTRIBUTED_LAYOUT = 2;

  static final SubsegmentGrouping GROUPING =
      new SubsegmentGrouping(10_000, 1_000_000, DISTRIBUTED_LAYOUT);

  private final Load load;

  Traffic(Load load) {
    this.load = load;
  }

  /** Returns the records of a batch. */
  List<byte[]> records() {
    return records(load);
  }

  private static List<byte[]> records(Load of) {
    SpanStream stream = new SpanStream(of, 1_700_000_000_000L);
    List<byte[]> records = new ArrayList<>();
    while (stream.hasNext()) {
      records.add(stream.next());
    }
    return records;
  }

  /** Returns the spans of a batch. */
  List<Span> spans() {
    return spans(records());
  }

  private static List<Span> spans(List<byte[]> records) {
    SpanParser parser = new SpanParser(MAX_RECORD_BYTES);
    List<Span> spans = new ArrayList<>();
    for (byte[] record : records) {
      try {
        long offset = spans.size();
        spans.add(parser.parse(record, 1_700_000_000_000L + offset / 10, 0, offset));
      } catch (RejectedRecordException e) {
        throw new IllegalStateException("the load has a bad record", e);
      }
    }
    return spans;
  }

  private static Map<TraceKey, List<Span>> byTrace(List<Span> spans) {
    Map<TraceKey, List<Span>> traces = new LinkedHashMap<>();
    for (Span span : spans) {
      traces.computeIfAbsent(span.trace(), t -> new ArrayList<>()).add(span);
    }
    return traces;
  }

  /** Returns the traces' shares of a batch. */
  List<TraceSpans> batch() {
    List<TraceSpans> batch = new ArrayList<>();
    byTrace(spans()).forEach((trace, spans) -> batch.add(GROUPING.group(trace, spans)));
    return batch;
  }

  /** Returns the parts of whole traces, each of which came in two batches, with their payloads. */
  List<LoadedPart> parts() {
    Load oneByOne =
        new Load(
            load.name(),
            SPANS,
            load.spanBytes(),
            load.attributes(),
            load.spansPerTrace(),
            1,
            load.shape(),
            load.spansPerSecond(),
            0);
    List<LoadedPart> parts = new ArrayList<>();
    byTrace(spans(records(oneByOne))).forEach((trace, spans) -> parts.addAll(parts(trace, spans)));
    return parts;
  }

  private static List<LoadedPart> parts(TraceKey trace, List<Span> spans) {
    // With all of a trace's spans at hand, a subsegment is a segment.
    Map<Long, Long> segments = new HashMap<>();
    for (UnstoredSubsegment segment : GROUPING.group(trace, spans).subsegments()) {
      for (long spanId : segment.spanIds()) {
        segments.put(spanId, segment.subsegment().parentId());
      }
    }
    Map<Long, List<LoadedSlice>> slices = new LinkedHashMap<>();
    int half = spans.size() / 2;
    for (List<Span> share : List.of(spans.subList(0, half), spans.subList(half, spans.size()))) {
      TraceSpans grouped = GROUPING.group(trace, share);
      for (UnstoredSubsegment subsegment : grouped.subsegments()) {
        slices
            .computeIfAbsent(segments.get(subsegment.spanIds()[0]), segment -> new ArrayList<>())
            .add(
                new LoadedSlice(
                    new Slice(subsegment.subsegment(), null, true), grouped.frames(subsegment)));
      }
    }
    List<LoadedPart> parts = new ArrayList<>();
    slices.forEach(
        (segment, loaded) -> {
          List<Slice> due = loaded.stream().map(LoadedSlice::slice).toList();
          parts.add(
              new LoadedPart(
                  new DuePart(trace, segment, 0, FlushReason.IDLE, 0, false, due), loaded));
        });
    return parts;
  }
}
