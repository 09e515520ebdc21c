package io.spanfold.core.format;

/**
 * Says that a record is not a span, and why. Its message is a sentence for people; it quotes at
 * most a few dozen characters of the record. It has no stack trace, so that a topic full of bad
 * records costs little more than one full of good ones.
 */
public final class RejectedRecordException extends Exception {

  private static final long serialVersionUID = 1L;

  private final RejectReason reason;

  RejectedRecordException(RejectReason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  /** Returns why, as a word. */
  public RejectReason reason() {
    return reason;
  }
}
