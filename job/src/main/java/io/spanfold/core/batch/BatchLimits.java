package io.spanfold.core.batch;

import java.io.Serializable;

/**
 * A batch is emitted at the first of these limits that it reaches.
 *
 * @param maxSpans how many spans it has at most
 * @param maxBytes the length of its records together, unless it is one alone
 * @param maxDelayMillis how long after its first span it is emitted
 */
public record BatchLimits(int maxSpans, long maxBytes, long maxDelayMillis)
    implements Serializable {}
