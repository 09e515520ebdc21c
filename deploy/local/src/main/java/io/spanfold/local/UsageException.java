package io.spanfold.local;

/** Arguments that cannot be run. The message says which, and what to write instead. */
public final class UsageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Makes one with a sentence for the user. */
  public UsageException(String message) {
    super(message);
  }
}
