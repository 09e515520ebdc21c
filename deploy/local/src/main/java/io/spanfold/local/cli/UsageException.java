package io.spanfold.local.cli;

/** Wrong arguments. The message names the argument and says what to write instead. */
public final class UsageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public UsageException(String message) {
    super(message);
  }
}
