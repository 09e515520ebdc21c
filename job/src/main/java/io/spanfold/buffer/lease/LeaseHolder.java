package io.spanfold.buffer.lease;

import java.time.Duration;
import java.time.Instant;

/**
 * The job that holds the lease.
 *
 * @param buffer its name for the buffer
 * @param job its id
 * @param epoch the epoch under which it holds it
 * @param since when it took the lease first
 * @param left time until the lease ends without a renewal
 */
public record LeaseHolder(String buffer, String job, long epoch, Instant since, Duration left) {}
