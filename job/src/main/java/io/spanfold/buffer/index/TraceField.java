package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.TraceKey;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The field of a trace in the hash of its bucket: the 16 bytes of the trace id, then the project in
 * decimal digits.
 */
public final class TraceField {

  private static final int TRACE_BYTES = 2 * Long.BYTES;

  /** The field that keeps the hash of a bucket a hash table at any size; it is none of a trace. */
  public static final byte[] SENTINEL = {};

  /** Digits of the largest project. */
  private static final int MAX_DIGITS = 19;

  private TraceField() {}

  /** Returns the field of a trace. */
  public static byte[] of(TraceKey trace) {
    byte[] project = Long.toString(trace.projectId()).getBytes(US_ASCII);
    return ByteBuffer.allocate(TRACE_BYTES + project.length)
        .putLong(trace.traceHigh())
        .putLong(trace.traceLow())
        .put(project)
        .array();
  }

  /** Returns the trace of a field; empty if the field is none of a trace, as the sentinel is. */
  public static Optional<TraceKey> trace(byte[] field) {
    int digits = field.length - TRACE_BYTES;
    if (digits < 1 || digits > MAX_DIGITS) {
      return Optional.empty();
    }
    for (int i = TRACE_BYTES; i < field.length; i++) {
      if (field[i] < '0' || field[i] > '9') {
        return Optional.empty();
      }
    }
    ByteBuffer in = ByteBuffer.wrap(field);
    try {
      long project = Long.parseLong(new String(field, TRACE_BYTES, digits, US_ASCII));
      return Optional.of(new TraceKey(project, in.getLong(), in.getLong()));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
