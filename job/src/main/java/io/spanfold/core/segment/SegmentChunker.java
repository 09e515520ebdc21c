package io.spanfold.core.segment;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.payload.BufferedSpan;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a part into messages of the segments topic.
 *
 * <p>No message's value is longer than the bound, and no two messages of a part would fit into one.
 * Which span is in which message depends on the spans alone, not on their order of arrival or on
 * batches: they are taken in the order of their ids, each into the first message with room for it.
 *
 * <p>Immutable and thread-safe. Each value is written once, into an array of its exact length.
 */
public final class SegmentChunker {

  private static final byte[] BEFORE_ID = "{\"flush_id\":\"".getBytes(US_ASCII);
  private static final byte[] BEFORE_SPANS = "\",\"spans\":[".getBytes(US_ASCII);
  private static final byte[] BEFORE_SPANS_SKIPPING_ENRICHMENT =
      "\",\"skip_enrichment\":true,\"spans\":[".getBytes(US_ASCII);
  private static final byte[] AFTER_SPANS = "]}".getBytes(US_ASCII);

  private final int chunkBytes;

  /**
   * @param chunkBytes the largest length of a value
   * @throws IllegalArgumentException if no span at all could fit
   */
  public SegmentChunker(int chunkBytes) {
    if (maxRecordBytes(chunkBytes) < 1) {
      throw new IllegalArgumentException(
          "no span fits into %d bytes; give flush.chunk-bytes more than %d"
              .formatted(chunkBytes, chunkBytes - maxRecordBytes(chunkBytes)));
    }
    this.chunkBytes = chunkBytes;
  }

  /**
   * Returns the length of the largest record that certainly fits alone into a value of {@code
   * chunkBytes}, whatever is added to it. Zero or less if none does.
   */
  public static int maxRecordBytes(int chunkBytes) {
    return chunkBytes - envelopeBytes(true) - SpanStamper.MAX_GROWTH;
  }

  /**
   * Returns whether a span fits alone into a value, also if enrichment is skipped. One that was
   * accepted does, unless the bound was lowered since.
   */
  boolean fits(BufferedSpan span, SpanStamper stamper) {
    return envelopeBytes(true) + (long) stamper.stampedLength(span) <= chunkBytes;
  }

  /**
   * Stamps spans and lays them out as messages.
   *
   * @param part the part they are of
   * @param spans the spans, by id, each of which {@link #fits}
   * @param complete whether these are all spans of the part that were found; if not, it does not
   *     fit into one message
   * @param stamper for the part's segment
   * @return the messages, by chunk number; none if there is no span
   */
  List<SegmentMessage> messages(
      DuePart part, List<BufferedSpan> spans, boolean complete, SpanStamper stamper) {
    long spanBytes = 0;
    for (BufferedSpan span : spans) {
      spanBytes += stamper.stampedLength(span) + 1L;
    }
    // The last span has no comma after it.
    boolean fitsInOne = complete && spanBytes - 1 + envelopeBytes(false) <= chunkBytes;
    boolean skipEnrichment = part.skipEnrichment() || !fitsInOne;
    long oneBytes = envelopeBytes(skipEnrichment) + spanBytes - 1;
    List<Chunk> chunks =
        oneBytes <= chunkBytes && !spans.isEmpty()
            ? List.of(new Chunk(spans, oneBytes))
            : assign(spans, stamper, skipEnrichment);
    List<SegmentMessage> messages = new ArrayList<>(chunks.size());
    for (int number = 0; number < chunks.size(); number++) {
      Chunk chunk = chunks.get(number);
      String flushId = FlushIds.of(part.trace(), part.segmentId(), chunk.spans, number);
      byte[] value = write(chunk, stamper, flushId, skipEnrichment);
      messages.add(new SegmentMessage(flushId, value, number, chunks.size()));
    }
    return messages;
  }

  private List<Chunk> assign(List<BufferedSpan> spans, SpanStamper stamper, boolean skip) {
    List<Chunk> chunks = new ArrayList<>();
    for (BufferedSpan span : spans) {
      int length = stamper.stampedLength(span);
      Chunk chunk = firstWithRoom(chunks, length);
      if (chunk == null) {
        chunk = new Chunk(new ArrayList<>(), envelopeBytes(skip));
        chunks.add(chunk);
      }
      chunk.add(span, length);
    }
    return chunks;
  }

  private Chunk firstWithRoom(List<Chunk> chunks, int length) {
    for (Chunk chunk : chunks) {
      if (chunk.bytes + 1L + length <= chunkBytes) {
        return chunk;
      }
    }
    return null;
  }

  private static byte[] write(
      Chunk chunk, SpanStamper stamper, String flushId, boolean skipEnrichment) {
    byte[] value = new byte[(int) chunk.bytes];
    int at = copy(BEFORE_ID, value, 0);
    at = copy(flushId.getBytes(US_ASCII), value, at);
    at = copy(beforeSpans(skipEnrichment), value, at);
    for (int i = 0; i < chunk.spans.size(); i++) {
      if (i > 0) {
        value[at++] = ',';
      }
      at = stamper.stamp(chunk.spans.get(i), value, at);
    }
    copy(AFTER_SPANS, value, at);
    return value;
  }

  private static int copy(byte[] bytes, byte[] out, int at) {
    System.arraycopy(bytes, 0, out, at, bytes.length);
    return at + bytes.length;
  }

  private static int envelopeBytes(boolean skipEnrichment) {
    return BEFORE_ID.length
        + FlushIds.LENGTH
        + beforeSpans(skipEnrichment).length
        + AFTER_SPANS.length;
  }

  private static byte[] beforeSpans(boolean skipEnrichment) {
    return skipEnrichment ? BEFORE_SPANS_SKIPPING_ENRICHMENT : BEFORE_SPANS;
  }

  /** A message in the making. */
  private static final class Chunk {
    private final List<BufferedSpan> spans;

    /** The length of the value with the spans so far. */
    private long bytes;

    Chunk(List<BufferedSpan> spans, long bytes) {
      this.spans = spans;
      this.bytes = bytes;
    }

    void add(BufferedSpan span, int length) {
      bytes += length + (spans.isEmpty() ? 0 : 1);
      spans.add(span);
    }
  }
}
