package io.spanfold.core.model;

import java.util.Arrays;
import java.util.List;

/**
 * The spans that one subtask gathered within a short time, of any number of traces. A batch is
 * written to Redis in one step and is one element of the stream: either all of it is acknowledged,
 * or it is in the checkpoint.
 *
 * @param traces the traces, each once
 * @param generation that under which it is written, in all tries and also after a restore; null
 *     before the first try
 */
public record SpanBatch(List<TraceSpans> traces, Generation generation) {

  /** A batch that was never tried to be written. */
  public SpanBatch(List<TraceSpans> traces) {
    this(traces, null);
  }

  /** Returns this batch under a generation. */
  public SpanBatch in(Generation now) {
    return new SpanBatch(traces, now);
  }

  /** Returns the length of all payloads before compression, in bytes: the memory of the batch. */
  public long payloadBytes() {
    return traces.stream().mapToLong(trace -> trace.payload().length).sum();
  }

  /**
   * One trace's share of a batch.
   *
   * @param trace the trace
   * @param spans its spans, in the order in which they came
   * @param subsegments the subsegments that the spans are grouped into
   * @param payload the spans of all subsegments, in the order of these, as {@code
   *     io.spanfold.core.payload.SpanFrames} lays them out; uncompressed, never changed
   */
  public record TraceSpans(
      TraceKey trace, SpanColumns spans, List<UnstoredSubsegment> subsegments, byte[] payload) {

    /** Returns the frames of one of the subsegments, as a new array. */
    public byte[] frames(UnstoredSubsegment subsegment) {
      int offset = subsegment.offset();
      return Arrays.copyOfRange(payload, offset, offset + subsegment.length());
    }
  }

  /**
   * A subsegment on its way to Redis.
   *
   * @param subsegment its form in state
   * @param offset where its frames begin in the payload of its trace
   * @param length the length of its frames in bytes
   * @param spanIds the ids of its spans, in the order of the payload
   */
  public record UnstoredSubsegment(Subsegment subsegment, int offset, int length, long[] spanIds) {}
}
