package io.spanfold.local;

import java.util.List;

/** Times in which nothing came. */
final class Gaps {

  private Gaps() {}

  /**
   * Returns the longest time between two neighbours of {@code times}, of those that overlap with
   * {@code from} to {@code to}; an end that is open counts from or to there.
   *
   * @param times in ascending order
   */
  static long longest(List<Long> times, long from, long to) {
    long longest = 0;
    long before = from;
    for (long time : times) {
      if (time <= from) {
        before = time;
        continue;
      }
      longest = Math.max(longest, time - before);
      before = time;
      if (time >= to) {
        return longest;
      }
    }
    return Math.max(longest, to - before);
  }

  /** Returns the longest time without any of {@code times} that lies wholly within these two. */
  static long longestWithin(List<Long> times, long from, long to) {
    List<Long> within = times.stream().filter(time -> time > from && time < to).toList();
    return from < to ? longest(within, from, to) : 0;
  }
}
