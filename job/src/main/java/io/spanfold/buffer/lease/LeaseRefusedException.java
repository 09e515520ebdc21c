package io.spanfold.buffer.lease;

/** Another job holds the lease and renews it. Retrying does not help. */
public final class LeaseRefusedException extends LeaseException {

  private static final long serialVersionUID = 1L;

  LeaseRefusedException(String message) {
    super(message);
  }
}
