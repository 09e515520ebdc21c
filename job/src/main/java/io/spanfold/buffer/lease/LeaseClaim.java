package io.spanfold.buffer.lease;

/**
 * Who wants the lease of a buffer.
 *
 * @param buffer name of the buffer; only told to others
 * @param job the job's id
 * @param run 32 hexadecimal digits: others whenever the job's attempts are counted anew
 * @param attempt how often the job's tasks were started before in this run
 */
public record LeaseClaim(String buffer, String job, String run, int attempt) {}
