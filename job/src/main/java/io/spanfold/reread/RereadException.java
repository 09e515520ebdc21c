package io.spanfold.reread;

/**
 * Says that Kafka did not give records again in time, so that it is not known whether they are
 * lost. The same may be asked for again.
 */
public final class RereadException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  RereadException(String message, Throwable cause) {
    super(message, cause);
  }
}
