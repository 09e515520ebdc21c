package io.spanfold.buffer.redis;

/** Redis had no memory for a write until the time for retries was over. */
public final class StoreFullException extends StoreException {

  private static final long serialVersionUID = 1L;

  public StoreFullException(String message, Throwable cause) {
    super(message, cause);
  }
}
