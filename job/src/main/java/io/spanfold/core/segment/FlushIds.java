package io.spanfold.core.segment;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hasher128;
import com.dynatrace.hash4j.hashing.Hashing;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.BufferedSpan;
import java.nio.ByteBuffer;
import java.util.List;

/** Ids of messages by their content, so that a message made again is recognised. */
final class FlushIds {

  /** The length of an id in characters. */
  static final int LENGTH = 32;

  /** XXH3 of 128 bits: it must not collide by accident, and need not withstand an attacker. */
  private static final Hasher128 HASHER = Hashing.xxh3_128();

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
      HashValue128 hash = HASHER.hashBytesTo128Bits(span.buffer(), span.start(), span.length());
      content
          .putLong(span.spanId())
          .putLong(hash.getMostSignificantBits())
          .putLong(hash.getLeastSignificantBits());
    }
    HashValue128 hash = HASHER.hashBytesTo128Bits(content.array());
    return Hex.id(hash.getMostSignificantBits(), hash.getLeastSignificantBits());
  }
}
