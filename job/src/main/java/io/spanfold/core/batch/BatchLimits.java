package io.spanfold.core.batch;

import java.io.Serializable;

/**
 * When a batch is handed on: at whichever of these comes first.
 *
 * @param maxSpans how many spans it may have
 * @param maxBytes how long its records may be together, unless it is one alone
 * @param maxDelayMillis how long after its first span
 */
public record BatchLimits(int maxSpans, long maxBytes, long maxDelayMillis)
    implements Serializable {}
