package io.spanfold.buffer.lease;

/**
 * Who takes and releases flush locks.
 *
 * @param job the job's id; without a colon
 * @param epoch that of its lease: of two who want a lock, the one with the newer gets it
 */
public record LockOwner(String job, long epoch) {

  /** Returns what a lock of this owner holds. */
  public String lock() {
    return job + ":" + epoch;
  }
}
