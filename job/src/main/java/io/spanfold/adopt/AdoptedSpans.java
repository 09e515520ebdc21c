package io.spanfold.adopt;

import io.spanfold.model.Hex;
import io.spanfold.model.SourcePositions;
import io.spanfold.model.Span;
import io.spanfold.model.TraceKey;
import io.spanfold.parse.RejectedRecordException;
import io.spanfold.parse.SpanParser;
import io.spanfold.payload.SpanFrames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes spans of abandoned payloads. Not safe for concurrent use. */
final class AdoptedSpans {

  private static final Logger LOG = LoggerFactory.getLogger(AdoptedSpans.class);

  /** A record that was accepted once is not judged by its length again. */
  private final SpanParser parser = new SpanParser(Integer.MAX_VALUE);

  /**
   * Returns the spans of a subsegment.
   *
   * <p>All but roots hang directly under their segment, as the index knows it: what joined them to
   * it may have been flushed long ago. They stand nowhere in the source topic, with an offset that
   * is made of their subsegment and place: the same span always has the same, another has another,
   * so what becomes of them never has the id of anything else.
   *
   * @param timestamp their record time, which is lost
   */
  List<Span> of(TraceKey trace, long segment, long subsegment, byte[] frames, long timestamp) {
    List<Span> spans = new ArrayList<>();
    long firstOffset = subsegment >>> 1;
    SpanFrames.forEach(
        frames,
        (index, buffered) -> {
          byte[] record =
              Arrays.copyOfRange(
                  buffered.buffer(), buffered.start(), buffered.start() + buffered.length());
          try {
            Span span =
                parser.parse(record, timestamp, SourcePositions.NOWHERE, firstOffset + index);
            spans.add(span.root() ? span : under(segment, span));
          } catch (RejectedRecordException e) {
            LOG.warn(
                "A record that Redis holds as span {} of trace {} is none: {}",
                Hex.id(buffered.spanId()),
                trace,
                e.getMessage());
          }
        });
    return spans;
  }

  private static Span under(long parent, Span span) {
    return new Span(
        span.trace(),
        span.spanId(),
        parent,
        span.root(),
        span.timestamp(),
        span.organizationId(),
        span.partition(),
        span.offset(),
        span.stampPoints(),
        span.record());
  }
}
