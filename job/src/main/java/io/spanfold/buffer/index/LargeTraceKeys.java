package io.spanfold.buffer.index;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.TraceKey;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys that calls about a large trace declare.
 *
 * @param tag the tag of the trace's bucket
 * @param trace the trace
 * @param always the keys of every such call
 */
record LargeTraceKeys(String tag, TraceKey trace, List<byte[]> always) {

  /** Returns the keys of a call that touches the merged payloads of {@code segments}. */
  List<byte[]> with(long[] segments) {
    List<byte[]> keys = new ArrayList<>(always);
    for (long segment : segments) {
      keys.add(ascii(RedisKeys.merged(tag, trace, segment)));
    }
    return keys;
  }

  /** Reads the segments that a script names from byte {@code from} of its answer on. */
  static long[] segments(byte[] answer, int from) {
    long[] segments = new long[(answer.length - from) / Long.BYTES];
    ByteBuffer.wrap(answer, from, answer.length - from).slice().asLongBuffer().get(segments);
    return segments;
  }
}
