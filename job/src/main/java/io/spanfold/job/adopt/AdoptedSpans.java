package io.spanfold.job.adopt;

import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Span;
import io.spanfold.core.payload.SpanFrames;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.codec.digest.MurmurHash3;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes spans of abandoned payloads. Not safe for concurrent use. */
final class AdoptedSpans {

  private static final Logger LOG = LoggerFactory.getLogger(AdoptedSpans.class);

  /** A record that was accepted once is not judged by its length again. */
  private final SpanParser parser = new SpanParser(Integer.MAX_VALUE);

  private final long epoch;

  /**
   * Makes one.
   *
   * @param epoch tells the attempt of the job
   */
  AdoptedSpans(long epoch) {
    this.epoch = epoch;
  }

  /**
   * Returns the spans of a subsegment.
   *
   * <p>All but roots hang directly under their segment, as the index knows it: what joined them to
   * it may have been flushed long ago. They stand nowhere in the source topic, with an offset that
   * is made of their subsegment, its place, theirs and the attempt: so that no two are the same.
   * What is emitted again by another attempt must not make subsegments of the same id. As it is a
   * duplicate, it is cleaned up, and would take the payload of what was emitted first with it.
   *
   * @param timestamp their record time, which is lost
   */
  List<Span> of(OrphanedTrace trace, long segment, long subsegment, byte[] frames, long timestamp) {
    List<Span> spans = new ArrayList<>();
    long firstOffset = firstOffset(trace, subsegment);
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
                trace.trace(),
                e.getMessage());
          }
        });
    return spans;
  }

  /** Leaves room for as many spans as a subsegment can have. */
  private long firstOffset(OrphanedTrace trace, long subsegment) {
    ByteBuffer place = ByteBuffer.allocate(2 * Long.BYTES + Integer.BYTES);
    place.putLong(subsegment).putLong(epoch).putInt(trace.round());
    return MurmurHash3.hash128x64(place.array())[0] >>> 2;
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
