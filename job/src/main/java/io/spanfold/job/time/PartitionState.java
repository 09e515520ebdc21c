package io.spanfold.job.time;

/** What is known of a partition at one moment; docs/time.md says what each state does. */
public enum PartitionState {
  /** Records wait that are not emitted yet. */
  READING,
  /** All records are emitted, and none is in an open transaction. */
  AT_END,
  /** All committed records are emitted; what follows belongs to a transaction that is open. */
  OPEN_TRANSACTION,
  /** The leader does not answer. */
  UNREACHABLE,
  /** Nothing is read, because Redis does not answer. */
  PAUSED,
  /** Nothing is read, because Redis is full: time must advance, so that flushes free memory. */
  PRESSED,
  /** A bounded source has read the partition to its end. */
  FINISHED
}
