package io.spanfold.core.model;

import java.util.List;

/**
 * A source record that cannot be processed, unchanged, with the reason.
 *
 * @param key the record's key; may be null
 * @param value the record's value; may be null
 * @param headers the record's headers, in order
 * @param reason a word for the kind of failure, such as {@code invalid-json}; for metrics and
 *     filters
 * @param topic the topic it was read from
 * @param position its position there; the index is that of the span that is rejected, or of the
 *     first one
 * @param error a description for operators
 */
public record DeadLetter(
    byte[] key,
    byte[] value,
    List<Header> headers,
    String reason,
    String topic,
    SourcePosition position,
    String error)
    implements Reject {

  /**
   * One header of the record.
   *
   * @param key its name
   * @param value its value; may be null
   */
  public record Header(String key, byte[] value) {}
}
