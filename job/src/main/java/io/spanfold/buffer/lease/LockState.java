package io.spanfold.buffer.lease;

/** The outcome of asking for a flush lock; the words are those of {@code lock-flush.lua}. */
public enum LockState {
  /** It was free, or already the caller's. */
  TAKEN,
  /** An older epoch had it: its lock is void. */
  TAKEN_OVER,
  /** A newer epoch has it. */
  REFUSED,
  /** Redis had no memory for it, so it is free. */
  NO_ROOM
}
