package io.spanfold.core.format;

import java.util.Locale;

/** Why a record of the source topic is not a span. */
public enum RejectReason {
  /** No value at all (a tombstone), or only white space. */
  EMPTY,
  /** Too long to fit into a message of the segments topic, even alone. */
  TOO_LARGE,
  /** It has bytes that are not UTF-8. */
  BAD_UTF8,
  /** Not one JSON object: another value, cut off, broken, or followed by something. */
  MALFORMED_JSON,
  /** More objects and arrays inside one another than {@link SpanParser#MAX_DEPTH}. */
  TOO_DEEP,
  /** A used field is missing, or is of the wrong type or form. */
  INVALID_FIELD,
  /** A used field occurs twice; readers disagree on which one counts. */
  DUPLICATE_FIELD;

  private final String label = name().toLowerCase(Locale.ROOT).replace('_', '-');

  /** Returns the word for headers and metrics, such as {@code bad-utf8}. */
  public String label() {
    return label;
  }
}
