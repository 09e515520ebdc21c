package io.spanfold.store;

import io.spanfold.model.TraceKey;

/**
 * What a lost job left of a trace in Redis, set aside.
 *
 * @param trace the trace
 * @param round tells it from what another lost job left of the same trace
 */
public record AbandonedTrace(TraceKey trace, int round) {}
