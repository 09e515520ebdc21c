package io.spanfold.buffer.lease;

import java.time.Duration;
import java.time.Instant;

/**
 * The lease in Redis, as answered to a claim.
 *
 * @param state the result for the claim
 * @param epoch the holder's epoch
 * @param buffer the name that the holder gives the buffer
 * @param job the holder
 * @param since when that job took the lease first
 * @param left time until the lease ends without a renewal
 * @param past former runs of that job, for {@link LeaseStore#renew}
 */
public record LeaseAnswer(
    State state, long epoch, String buffer, String job, Instant since, Duration left, String past) {

  /** The holder of the lease. */
  public enum State {
    /** The claimant. */
    HELD,
    /** A newer attempt or run: the claimant is outdated and must end. */
    SUPERSEDED,
    /** Another job. */
    BUSY
  }
}
