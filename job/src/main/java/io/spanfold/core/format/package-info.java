/**
 * The form of source records: bytes in, spans out, or the reason why a record is rejected. What a
 * message of the segments topic looks like is in {@code core.segment}.
 */
package io.spanfold.core.format;
