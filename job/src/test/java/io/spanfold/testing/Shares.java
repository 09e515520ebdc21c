package io.spanfold.testing;

import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** Shares of a batch for tests that need no spans: the bytes of a payload mean nothing. */
public final class Shares {

  private Shares() {}

  /**
   * A subsegment and its frames.
   *
   * @param frames at least {@link #leastBytes}, and any bytes
   */
  public record Part(long id, long parent, boolean root, long[] spanIds, byte[] frames) {}

  /** Returns the length of the frames of {@code spans} empty records. */
  public static int leastBytes(int spans) {
    return (int) SpanFrames.length(spans, 0);
  }

  /**
   * Returns the share of a trace.
   *
   * @param layouts the bits of the layouts to be stored in
   */
  public static TraceSpans of(TraceKey trace, int layouts, List<Part> parts) {
    List<UnstoredSubsegment> unstored = new ArrayList<>();
    ByteArrayOutputStream payload = new ByteArrayOutputStream();
    for (Part part : parts) {
      int spans = part.spanIds().length;
      Subsegment subsegment =
          new Subsegment(
              part.id(),
              part.parent(),
              part.root(),
              spans,
              part.frames().length - leastBytes(spans),
              0,
              layouts,
              1,
              Spans.positions(1));
      unstored.add(
          new UnstoredSubsegment(subsegment, payload.size(), part.frames().length, part.spanIds()));
      payload.writeBytes(part.frames());
    }
    return new TraceSpans(trace, new SpanColumns(1), unstored, payload.toByteArray());
  }
}
