package io.spanfold.job.adopt;

import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.SourcePosition;
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
   * it may have been flushed long ago.
   *
   * <p>Their position is {@link SourcePosition#NOWHERE}; the offset is a hash of the subsegment,
   * its round and the attempt, the index the place in the subsegment: so no two spans have the
   * same, and what another attempt emits again never makes subsegments of the same id. It is a
   * duplicate then and is cleaned up, which would delete the payload of what was emitted first.
   *
   * @param timestamp their record time, which is lost
   */
  List<Span> of(OrphanedTrace trace, long segment, long subsegment, byte[] frames, long timestamp) {
    List<Span> spans = new ArrayList<>();
    long offset = offset(trace, subsegment);
    SpanFrames.forEach(
        frames,
        (index, buffered) -> {
          byte[] record =
              Arrays.copyOfRange(
                  buffered.buffer(), buffered.start(), buffered.start() + buffered.length());
          try {
            Span span = parser.parse(record, timestamp, SourcePosition.NOWHERE, offset);
            spans.add(placed(span, segment, index));
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

  private long offset(OrphanedTrace trace, long subsegment) {
    ByteBuffer place = ByteBuffer.allocate(2 * Long.BYTES + Integer.BYTES);
    place.putLong(subsegment).putLong(epoch).putInt(trace.round());
    return MurmurHash3.hash128x64(place.array())[0] >>> 1;
  }

  private static Span placed(Span span, long segment, int index) {
    return new Span(
        span.trace(),
        span.spanId(),
        span.root() ? span.parentId() : segment,
        span.root(),
        span.timestamp(),
        span.organizationId(),
        span.partition(),
        span.offset(),
        index,
        span.stampPoints(),
        span.record());
  }
}
