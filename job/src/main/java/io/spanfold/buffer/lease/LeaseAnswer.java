package io.spanfold.buffer.lease;

import java.time.Duration;
import java.time.Instant;

/**
 * What Redis knows of the lease.
 *
 * @param state what it means for who asked
 * @param epoch of whoever has it
 * @param buffer the name of the buffer that its owner gave
 * @param job its owner
 * @param since since when that job has it
 * @param left when it ends if nobody renews it
 * @param past former runs of that job, for {@link LeaseStore#renew}
 */
public record LeaseAnswer(
    State state, long epoch, String buffer, String job, Instant since, Duration left, String past) {

  /** Whose it is. */
  public enum State {
    /** That of who asked. */
    HELD,
    /** That of somebody newer: who asked is a leftover, and must end. */
    SUPERSEDED,
    /** That of another job. */
    BUSY
  }
}
