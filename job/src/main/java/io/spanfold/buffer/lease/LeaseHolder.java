package io.spanfold.buffer.lease;

import java.time.Duration;
import java.time.Instant;

/**
 * Who has the lease, for somebody who does not want it.
 *
 * @param buffer the name of the buffer that its owner gave
 * @param job its owner
 * @param since since when that job has it
 * @param left when it ends if nobody renews it
 */
public record LeaseHolder(String buffer, String job, Instant since, Duration left) {}
