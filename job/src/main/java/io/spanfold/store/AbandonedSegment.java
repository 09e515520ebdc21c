package io.spanfold.store;

import io.spanfold.model.TraceKey;

/**
 * A segment that a lost job left in Redis, and that was set aside.
 *
 * @param trace its trace
 * @param segmentId its id, as far as the index knew it
 */
public record AbandonedSegment(TraceKey trace, long segmentId) {}
