package io.spanfold.buffer.redis;

/** Redis refused a write for want of memory until the time for retries was over. */
public final class StoreFullException extends StoreException {

  private static final long serialVersionUID = 1L;

  /** Makes an exception of a message and the last failure. */
  public StoreFullException(String message, Throwable cause) {
    super(message, cause);
  }
}
