package io.spanfold.core.model;

import java.util.Collections;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The attempts whose writes the state of a job may refer to, each with the checkpoint that it was
 * restored from. It tells which generations in Redis are left of attempts that were given up: what
 * an attempt wrote after the checkpoint from which the next one was restored, and all that attempts
 * wrote in between which never completed a checkpoint.
 *
 * <p>It knows nothing of what is older than its first attempt or newer than its last.
 */
public final class Lineage {

  /** The restored checkpoint of an attempt before one without state: all it wrote is given up. */
  public static final long NOTHING_KEPT = -1;

  /** Attempts that it remembers. What older ones have left has ended by its TTL. */
  private static final int MAX_ATTEMPTS = 1_000;

  private final NavigableMap<Long, Long> restoredFrom;

  private Lineage(NavigableMap<Long, Long> restoredFrom) {
    this.restoredFrom = restoredFrom;
  }

  /**
   * Returns the lineage of some attempts.
   *
   * @param restoredFrom the checkpoint from which each attempt was restored, 0 for none, or {@link
   *     #NOTHING_KEPT}; by the epoch of its lease
   */
  public static Lineage of(Map<Long, Long> restoredFrom) {
    NavigableMap<Long, Long> newest = new TreeMap<>(restoredFrom);
    while (newest.size() > MAX_ATTEMPTS) {
      newest.pollFirstEntry();
    }
    return new Lineage(newest);
  }

  /**
   * Returns this lineage continued by an attempt. If its epoch is below that of the last one,
   * because Redis has lost the lease and its clock was set back, the lineage begins anew.
   */
  public Lineage continuedBy(long epoch, long restoredCheckpoint) {
    boolean isLater = restoredFrom.isEmpty() || epoch >= restoredFrom.lastKey();
    NavigableMap<Long, Long> all = isLater ? new TreeMap<>(restoredFrom) : new TreeMap<>();
    all.put(epoch, restoredCheckpoint);
    return of(all);
  }

  /** Returns the checkpoint from which each attempt was restored, by its epoch. */
  public Map<Long, Long> restoredFrom() {
    return Collections.unmodifiableMap(restoredFrom);
  }

  /** Returns whether no state of the last attempt refers to what this generation has. */
  public boolean isGivenUp(Generation generation) {
    long epoch = generation.epoch();
    if (restoredFrom.isEmpty() || epoch < restoredFrom.firstKey()) {
      return false;
    }
    Long from = restoredFrom.get(epoch);
    Map.Entry<Long, Long> next = restoredFrom.higherEntry(epoch);
    // The lease may be lost and taken again while an attempt starts, which then has two epochs.
    while (next != null && next.getValue().equals(from)) {
      next = restoredFrom.higherEntry(next.getKey());
    }
    return next != null && (from == null || generation.checkpoint() >= next.getValue());
  }
}
