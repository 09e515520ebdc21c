package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.TraceKey;

/**
 * A quarantined trace: the data of it that a lost job left in Redis.
 *
 * @param trace the trace
 * @param tag the hash tag of its bucket
 * @param round distinguishes the data that several lost jobs left of the same bucket
 */
public record OrphanedTrace(TraceKey trace, String tag, int round) {

  /** Returns the key of the records of its bucket. */
  byte[] recordsKey() {
    return ascii(RedisKeys.quarantinedTraces(tag, round));
  }

  /** Returns the field of its record. */
  byte[] field() {
    return TraceField.of(trace);
  }

  /** Returns the key of its record if it is large. */
  byte[] largeKey() {
    return ascii(RedisKeys.quarantinedLargeTrace(tag, round, trace));
  }

  /** Returns the key of a segment's merged payloads. */
  String mergedKey(long segment) {
    return RedisKeys.quarantinedMerged(tag, round, trace, segment);
  }
}
