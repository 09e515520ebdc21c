package io.spanfold.buffer.inspect;

import io.spanfold.core.model.TraceKey;
import java.time.Instant;
import java.util.OptionalInt;

/**
 * A trace in a list of traces.
 *
 * @param trace the trace
 * @param round of a quarantined leftover; else empty
 * @param lastWrite when it was written last, by the writer's clock
 * @param large whether it has a record of its own; then the numbers are 0
 * @param segments the number of its segments
 * @param subsegments the number of its subsegments
 * @param spans the number of their spans
 * @param recordBytes the length of their records
 */
public record TraceSummary(
    TraceKey trace,
    OptionalInt round,
    Instant lastWrite,
    boolean large,
    int segments,
    int subsegments,
    long spans,
    long recordBytes) {}
