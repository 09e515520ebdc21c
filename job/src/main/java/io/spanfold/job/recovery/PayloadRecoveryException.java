package io.spanfold.job.recovery;

/**
 * Says that Kafka did not give records again in time, so that it is not known whether they are
 * lost. The same may be asked for again.
 */
public final class PayloadRecoveryException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  PayloadRecoveryException(String message, Throwable cause) {
    super(message, cause);
  }
}
