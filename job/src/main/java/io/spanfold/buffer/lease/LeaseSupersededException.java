package io.spanfold.buffer.lease;

/**
 * A newer attempt of the job, or after a long outage another job, has taken the lease over: who
 * gets this is a leftover, such as a task manager that was stalled, and must end.
 */
public final class LeaseSupersededException extends LeaseException {

  private static final long serialVersionUID = 1L;

  LeaseSupersededException(String message) {
    super(message);
  }
}
