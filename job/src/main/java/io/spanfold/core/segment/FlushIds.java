package io.spanfold.core.segment;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.BufferedSpan;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.commons.codec.digest.MurmurHash3;

/** Ids of messages by their content, so that a message made again is recognised. */
final class FlushIds {

  /** The length of an id in characters. */
  static final int LENGTH = 32;

  private FlushIds() {}

  /**
   * Returns 32 hexadecimal digits: a hash over the message's trace, segment, number and each span's
   * id and record, as it was before stamping.
   *
   * <p>It covers the spans of the message and not those of the whole part. So an id means the same
   * content even if a part is cut again under another bound on the message's length.
   *
   * @param spans the spans of the message, by id
   */
  static String of(TraceKey trace, long segmentId, List<BufferedSpan> spans, int chunkNumber) {
    int perSpan = 3 * Long.BYTES;
    ByteBuffer content =
        ByteBuffer.allocate(4 * Long.BYTES + Integer.BYTES + spans.size() * perSpan)
            .putLong(trace.projectId())
            .putLong(trace.traceHigh())
            .putLong(trace.traceLow())
            .putLong(segmentId)
            .putInt(chunkNumber);
    for (BufferedSpan span : spans) {
      long[] hash = MurmurHash3.hash128x64(span.buffer(), span.start(), span.length(), 0);
      content.putLong(span.spanId()).putLong(hash[0]).putLong(hash[1]);
    }
    long[] hash = MurmurHash3.hash128x64(content.array());
    return Hex.id(hash[0], hash[1]);
  }
}
