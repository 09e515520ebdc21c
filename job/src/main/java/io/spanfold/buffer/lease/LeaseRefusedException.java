package io.spanfold.buffer.lease;

/** Another job has the buffer and renews its lease. Asking again does not help. */
public final class LeaseRefusedException extends LeaseException {

  private static final long serialVersionUID = 1L;

  LeaseRefusedException(String message) {
    super(message);
  }
}
