package io.spanfold.core.batch;

import java.io.Serializable;

/**
 * A batch is emitted at the first of these limits that it reaches.
 *
 * @param maxSpans the maximum number of spans
 * @param maxBytes the total length of its records, unless it has one record only
 * @param maxDelayMillis the maximum time from its first span to its emission
 */
public record BatchLimits(int maxSpans, long maxBytes, long maxDelayMillis)
    implements Serializable {}
