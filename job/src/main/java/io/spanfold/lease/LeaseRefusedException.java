package io.spanfold.lease;

import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;

/**
 * Another job has the buffer, and works on it. Restarting does not help, so Flink is told not to.
 */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
public final class LeaseRefusedException extends LeaseException {

  private static final long serialVersionUID = 1L;

  LeaseRefusedException(String message) {
    super(message);
  }
}
