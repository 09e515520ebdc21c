package io.spanfold.core.payload;

import io.spanfold.core.model.StampPoints;

/**
 * A span as it was loaded from the buffer. Its record is a range of an array that several spans
 * share and that never changes.
 *
 * @param spanId its id
 * @param stampPoints where the sink's two fields go, relative to the record's start
 * @param buffer the array that holds the record
 * @param start where the record starts in it
 * @param length the record's length in bytes
 */
public record BufferedSpan(
    long spanId, StampPoints stampPoints, byte[] buffer, int start, int length) {}
