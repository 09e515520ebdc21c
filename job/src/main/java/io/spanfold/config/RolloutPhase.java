package io.spanfold.config;

import java.util.Locale;

/** Which payload layouts are written, and which one a flush reads. */
public enum RolloutPhase {
  /** Merged payloads only. */
  MERGED,
  /** Both layouts are written, flushes read the merged one. */
  DUAL_WRITE,
  /** Both layouts are written, flushes read the distributed one. */
  DUAL_READ,
  /** Distributed payloads only. */
  DISTRIBUTED;

  /** Returns the word that stands in the configuration, such as {@code dual-write}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
