package io.spanfold.fold;

/** Arithmetic on milliseconds that stays at the ends of the range instead of passing them. */
final class Times {

  private static final long SECOND = 1000;

  private Times() {}

  static long plus(long time, long duration) {
    long sum = time + duration;
    return sum < time && duration > 0 ? Long.MAX_VALUE : sum;
  }

  /** Timers are set for whole seconds, so that many of a trace coincide. */
  static long roundUpToSecond(long time) {
    long rest = Math.floorMod(time, SECOND);
    return rest == 0 ? time : plus(time, SECOND - rest);
  }
}
