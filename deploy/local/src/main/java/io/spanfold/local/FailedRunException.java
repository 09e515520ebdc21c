package io.spanfold.local;

/** A run that did not do what it was asked to. The message is a sentence for the user. */
public final class FailedRunException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Makes one with a sentence for the user. */
  public FailedRunException(String message) {
    super(message);
  }

  /** Makes one with a sentence for the user, and what it comes from. */
  public FailedRunException(String message, Throwable cause) {
    super(message, cause);
  }
}
