package io.spanfold.local.cli;

/** A failed run. The message is a sentence for the user. */
public final class FailedRunException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public FailedRunException(String message) {
    super(message);
  }

  public FailedRunException(String message, Throwable cause) {
    super(message, cause);
  }
}
