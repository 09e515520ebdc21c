package io.spanfold.buffer.lease;

/**
 * A newer attempt of the job, or another job after a long outage, took the lease over. The caller
 * is outdated, for example in a task manager that was stalled, and must end.
 */
public final class LeaseSupersededException extends LeaseException {

  private static final long serialVersionUID = 1L;

  LeaseSupersededException(String message) {
    super(message);
  }
}
