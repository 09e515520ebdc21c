package io.spanfold.core.model;

import java.util.List;

/**
 * One trace's share of a batch whose payloads Redis has acknowledged: the input of the fold.
 *
 * @param trace the trace
 * @param spans its spans, in the order in which they came
 * @param subsegments the subsegments that hold them, all stored
 */
public record StoredTrace(TraceKey trace, SpanColumns spans, List<Subsegment> subsegments) {}
