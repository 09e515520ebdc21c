package io.spanfold.core.model;

import java.util.List;

/**
 * The spans that one subtask gathered within a short time, of any number of traces. A batch is
 * written to Redis in one step and is one element of the stream: either all of it is acknowledged,
 * or it is in the checkpoint.
 *
 * @param traces the traces, each once
 */
public record SpanBatch(List<TraceSpans> traces) {

  /** Returns the length of all payloads before compression, in bytes: the memory of the batch. */
  public long payloadBytes() {
    return traces.stream()
        .flatMap(trace -> trace.subsegments().stream())
        .mapToLong(s -> s.payload().length)
        .sum();
  }

  /**
   * One trace's share of a batch.
   *
   * @param trace the trace
   * @param spans its spans, in the order in which they came
   * @param subsegments the subsegments that the spans are grouped into
   */
  public record TraceSpans(
      TraceKey trace, SpanColumns spans, List<UnstoredSubsegment> subsegments) {}

  /**
   * A subsegment on its way to Redis.
   *
   * @param subsegment its form in state
   * @param payload its spans as {@code io.spanfold.core.payload.SpanFrames} lays them out,
   *     uncompressed
   * @param spanIds the ids of its spans, in the order of the payload
   */
  public record UnstoredSubsegment(Subsegment subsegment, byte[] payload, long[] spanIds) {}
}
