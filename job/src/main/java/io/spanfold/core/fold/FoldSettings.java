package io.spanfold.core.fold;

import java.io.Serializable;

/**
 * The fold's rules of time and size. All times are milliseconds of record time.
 *
 * @param timeout how long after its last span a part is due while its segment's root is unknown
 * @param rootTimeout the same, once the root is known
 * @param maxAge how long after its first span a part is due at the latest
 * @param lateGrace how long a flushed segment is remembered after its deadline, so that further
 *     spans find it
 * @param maxBytes the length of records at which a part is closed
 * @param maxIds a segment with more span ids at the end of a batch is flushed and forgotten: the
 *     bound on the state of one segment
 */
public record FoldSettings(
    long timeout, long rootTimeout, long maxAge, long lateGrace, long maxBytes, int maxIds)
    implements Serializable {

  /** Settings that do not bound the number of a segment's ids. */
  public FoldSettings(long timeout, long rootTimeout, long maxAge, long lateGrace, long maxBytes) {
    this(timeout, rootTimeout, maxAge, lateGrace, maxBytes, Integer.MAX_VALUE);
  }

  long timeout(boolean rootKnown) {
    return rootKnown ? rootTimeout : timeout;
  }

  /**
   * Returns the time that a span counts as sent at: its timestamp, or the clock if it is late. It
   * is late if the clock has reached the end of the shortest time that a part waits for spans, from
   * its timestamp on.
   */
  public long effectiveTime(long timestamp, long clock) {
    long shortest = Math.min(Math.min(timeout, rootTimeout), maxAge);
    return plus(timestamp, shortest) <= clock ? clock : timestamp;
  }

  /** Returns {@code time + duration}, or the last representable time if that overflows. */
  static long plus(long time, long duration) {
    long sum = time + duration;
    return sum < time && duration > 0 ? Long.MAX_VALUE : sum;
  }
}
