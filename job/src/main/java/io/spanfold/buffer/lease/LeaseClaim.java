package io.spanfold.buffer.lease;

/**
 * A claim to the lease of a buffer.
 *
 * @param buffer name of the buffer; for messages only
 * @param job the job's id
 * @param run 32 hexadecimal digits; different whenever the job's attempts are counted from 0 again
 * @param attempt number of restarts of the job's tasks in this run
 */
public record LeaseClaim(String buffer, String job, String run, int attempt) {}
