package io.spanfold.buffer.lease;

/** This job does not hold the lease, so it must not touch the buffer. The message says why. */
public abstract sealed class LeaseException extends RuntimeException
    permits LeaseRefusedException, LeaseSupersededException {

  private static final long serialVersionUID = 1L;

  LeaseException(String message) {
    super(message);
  }
}
