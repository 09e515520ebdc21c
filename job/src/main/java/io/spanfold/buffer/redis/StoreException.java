package io.spanfold.buffer.redis;

/**
 * An operation in Redis failed. The message says what was tried, where and for how long, and what
 * to do about it; it contains no secret. The operation may have happened in part, and may always be
 * repeated.
 */
public class StoreException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public StoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
