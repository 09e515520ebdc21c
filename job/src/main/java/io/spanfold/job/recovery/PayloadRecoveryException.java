package io.spanfold.job.recovery;

/** Kafka could not be read in time: whether the records are lost is unknown. Can be retried. */
public final class PayloadRecoveryException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  PayloadRecoveryException(String message, Throwable cause) {
    super(message, cause);
  }
}
