package io.spanfold.local;

/** Arguments that cannot be run. The message says which, and what to write instead. */
final class UsageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
