package io.spanfold.buffer.lease;

/** What became of the wish for a flush lock. */
public enum LockState {
  /** It was free, or the caller's already. */
  TAKEN,
  /** Somebody of an older epoch had it: that one is superseded, and its lock void. */
  TAKEN_OVER,
  /** Somebody of a newer epoch has it. */
  REFUSED,
  /** Redis had no room for it: nobody has it. */
  NO_ROOM;

  /** Reads what the script answers. */
  public static LockState of(String answer) {
    return switch (answer) {
      case "taken" -> TAKEN;
      case "taken-over" -> TAKEN_OVER;
      case "refused" -> REFUSED;
      case "no-room" -> NO_ROOM;
      default -> throw new IllegalStateException("lock-flush.lua answered " + answer);
    };
  }
}
