package io.spanfold.core.model;

import java.util.List;

/**
 * What one writer gathered for a moment, of as many traces as came by. It goes to Redis in one
 * step, and counts as one element wherever failure is thought about: either all of it is
 * acknowledged, or it is in the checkpoint.
 *
 * @param traces the traces, each once
 */
public record SpanBatch(List<TraceSpans> traces) {

  /**
   * Returns the length of all payloads before compression, in bytes: what holding the batch costs.
   */
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
   * @param subsegments what the spans were grouped into
   */
  public record TraceSpans(
      TraceKey trace, SpanColumns spans, List<UnstoredSubsegment> subsegments) {}

  /**
   * A subsegment on its way to Redis.
   *
   * @param subsegment what will be remembered of it
   * @param payload its spans as {@code io.spanfold.core.payload.SpanFrames} lays them out,
   *     uncompressed
   * @param spanIds the ids of its spans, in the order of the payload
   */
  public record UnstoredSubsegment(Subsegment subsegment, byte[] payload, long[] spanIds) {}
}
