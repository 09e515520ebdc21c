package io.spanfold.buffer;

import io.spanfold.core.model.TraceKey;

/**
 * What a lost job left of a trace in Redis, set aside.
 *
 * @param trace the trace
 * @param round tells it from what another lost job left of the same trace
 */
public record OrphanedTrace(TraceKey trace, int round) {}
