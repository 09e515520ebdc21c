package io.spanfold.core.format;

/**
 * A record is not a span. The message states the reason; it quotes at most a few dozen characters
 * of the record. There is no stack trace, so that bad records cost little more than good ones.
 */
public final class RejectedRecordException extends Exception {

  private static final long serialVersionUID = 1L;

  private final RejectReason reason;

  RejectedRecordException(RejectReason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  public RejectReason reason() {
    return reason;
  }
}
