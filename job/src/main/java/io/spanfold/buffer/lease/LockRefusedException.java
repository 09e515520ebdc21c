package io.spanfold.buffer.lease;

import io.spanfold.buffer.redis.StoreException;

/**
 * A newer epoch has the flush lock of some buckets, so nothing was removed from them. Either a
 * newer attempt has taken over, or Redis has lost the lease but not the lock, which then expires.
 */
public final class LockRefusedException extends StoreException {

  private static final long serialVersionUID = 1L;

  public LockRefusedException(String message) {
    super(message, null);
  }
}
