package io.spanfold.buffer.redis;

/**
 * Redis answered, but refused commands until the time for retries was over: it has no memory left,
 * or its state does not allow them now (too few replicas, a failed save, a replica or a cluster
 * that is not whole, data that is still loading). That passes without a restart of the caller.
 */
public final class StoreRefusedException extends StoreException {

  private static final long serialVersionUID = 1L;

  public StoreRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
