package io.spanfold.buffer.redis;

/**
 * Redis could not be made to do what was asked. The message says what was tried, where, for how
 * long, and what to do; it holds no secret. Whatever was asked may have happened in part: asking
 * for the same again is always right.
 */
public class StoreException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Makes an exception of a message and the last failure. */
  public StoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
