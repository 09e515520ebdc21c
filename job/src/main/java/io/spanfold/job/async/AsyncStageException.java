package io.spanfold.job.async;

/** A worker of a stage failed; the cause tells why. */
public final class AsyncStageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  AsyncStageException(String message, Throwable cause) {
    super(message, cause);
  }
}
