package io.spanfold.buffer.inspect;

import io.spanfold.buffer.lease.LeaseHolder;

/** A job holds the lease of a buffer that was to be deleted. */
public final class BufferInUseException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient LeaseHolder holder;

  BufferInUseException(LeaseHolder holder) {
    super("job %s holds the lease of buffer %s".formatted(holder.job(), holder.buffer()));
    this.holder = holder;
  }

  /** Returns the job that holds the lease. */
  public LeaseHolder holder() {
    return holder;
  }
}
