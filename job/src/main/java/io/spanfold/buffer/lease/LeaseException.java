package io.spanfold.buffer.lease;

/** The lease of the buffer is not ours, so nothing may be done there. The message tells why. */
public abstract sealed class LeaseException extends RuntimeException
    permits LeaseRefusedException, LeaseSupersededException {

  private static final long serialVersionUID = 1L;

  LeaseException(String message) {
    super(message);
  }
}
