package io.spanfold.job.sink;

/**
 * Whoever is to clean up has no right to, as somebody newer has taken over. Unlike any other
 * failure of a clean-up it fails the task: nothing of it may go on.
 */
public final class NotOwnerException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Makes an exception that says why. */
  public NotOwnerException(Throwable cause) {
    super("nothing was cleaned up: " + cause.getMessage(), cause);
  }
}
