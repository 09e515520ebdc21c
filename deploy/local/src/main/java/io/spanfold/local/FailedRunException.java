package io.spanfold.local;

/** A run that did not do what it was asked to. The message is a sentence for the user. */
final class FailedRunException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  FailedRunException(String message) {
    super(message);
  }

  FailedRunException(String message, Throwable cause) {
    super(message, cause);
  }
}
