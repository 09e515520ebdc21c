package io.spanfold.buffer.layout;

import java.util.Locale;

/**
 * Which payload layouts are written, and which one a flush reads first. A savepoint can be restored
 * in any phase: state remembers where each payload is.
 */
public enum RolloutPhase {
  /** Merged payloads only. */
  MERGED(true, false, true),
  /** Both layouts are written; flushes read the merged one. */
  DUAL_WRITE(true, true, true),
  /** Both layouts are written; flushes read the distributed one. */
  DUAL_READ(true, true, false),
  /** Distributed payloads only. */
  DISTRIBUTED(false, true, false);

  private final boolean writesMerged;
  private final boolean writesDistributed;
  private final boolean readsMerged;

  RolloutPhase(boolean writesMerged, boolean writesDistributed, boolean readsMerged) {
    this.writesMerged = writesMerged;
    this.writesDistributed = writesDistributed;
    this.readsMerged = readsMerged;
  }

  public boolean writesMerged() {
    return writesMerged;
  }

  public boolean writesDistributed() {
    return writesDistributed;
  }

  /** Returns whether a flush reads the merged payload first. */
  public boolean readsMerged() {
    return readsMerged;
  }

  /**
   * Returns the bits of the layouts that are written, of a trace whose payloads are not small; see
   * {@link PayloadLayout#bit}.
   */
  public int layouts() {
    return (writesMerged ? MergedLayout.BIT : 0) | (writesDistributed ? DistributedLayout.BIT : 0);
  }

  /** Returns the value of the option, such as {@code dual-write}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
