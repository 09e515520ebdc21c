package io.spanfold.core.fold;

/** Arithmetic on milliseconds that stays at the ends of the range instead of passing them. */
final class Times {

  private static final long TIMER_STEP = 100;

  private Times() {}

  static long plus(long time, long duration) {
    long sum = time + duration;
    return sum < time && duration > 0 ? Long.MAX_VALUE : sum;
  }

  /**
   * Returns when a timer is to fire for what is due at {@code time}: at the next tenth of a second,
   * so that one does for deadlines that differ by little.
   */
  static long roundUpForTimer(long time) {
    long rest = Math.floorMod(time, TIMER_STEP);
    return rest == 0 ? time : plus(time, TIMER_STEP - rest);
  }
}
