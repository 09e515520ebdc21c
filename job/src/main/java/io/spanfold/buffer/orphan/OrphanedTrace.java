package io.spanfold.buffer.orphan;

import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.TraceKey;

/**
 * A quarantined trace: the data of it that a lost job left in Redis.
 *
 * @param trace the trace
 * @param round distinguishes the data that several lost jobs left of the same trace
 */
public record OrphanedTrace(TraceKey trace, int round) {

  String indexKey() {
    return RedisKeys.quarantinedIndex(trace, round);
  }

  String smallPayloadsKey() {
    return RedisKeys.quarantinedSmallPayloads(trace, round);
  }

  String segmentKey(long segment) {
    return RedisKeys.quarantinedSegment(trace, round, segment);
  }
}
