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

/** Converts orphaned payloads to spans. Not thread-safe. */
final class AdoptedSpans {

  private static final Logger LOG = LoggerFactory.getLogger(AdoptedSpans.class);

  /** Records were accepted before, so their length is not limited again. */
  private final SpanParser parser = new SpanParser(Integer.MAX_VALUE);

  private final long epoch;

  /**
   * Creates a converter.
   *
   * @param epoch identifies the attempt of the job
   */
  AdoptedSpans(long epoch) {
    this.epoch = epoch;
  }

  /**
   * Returns the spans of a subsegment.
   *
   * <p>The parent of every span but a root is its segment in the index: the spans in between may
   * have been flushed long ago. The partition is {@link SourcePosition#NOWHERE}; the offset is a
   * hash of subsegment, round and attempt, the index the place in the subsegment, so no two spans
   * have the same position. Another attempt must not emit the spans with the same positions: its
   * subsegments are duplicates, and with the same ids their clean-up would remove the payloads of
   * the originals.
   *
   * @param timestamp used as record time, because the original is lost
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
                "The record that Redis has for span {} of trace {} is invalid: {}",
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
