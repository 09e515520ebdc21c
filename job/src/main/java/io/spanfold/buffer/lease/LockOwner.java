package io.spanfold.buffer.lease;

/**
 * The owner of flush locks.
 *
 * @param job the job's id; without a colon
 * @param epoch that of its lease: a newer epoch takes a lock from an older one
 */
public record LockOwner(String job, long epoch) {}
