package io.spanfold.stage;

/** A worker of a stage failed; the cause tells why. */
public final class StageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  StageException(String message, Throwable cause) {
    super(message, cause);
  }
}
