package io.spanfold.local.bench.load;

/** Ids that look random, and from which a span's number can be had back. */
public final class SpanIds {

  /** Odd, so that multiplying by it is a permutation. */
  private static final long FACTOR = 0x9E3779B97F4A7C15L;

  private static final long INVERSE = inverse(FACTOR);

  private SpanIds() {}

  /** Returns the id of the span with this number, from 0 on. */
  public static long idOf(long number) {
    return (number + 1) * FACTOR;
  }

  /** Returns the number of the span with this id. */
  public static long numberOf(long id) {
    return id * INVERSE - 1;
  }

  /** Mixes a number into 64 bits of which each looks random. */
  static long mix(long number) {
    long mixed = (number ^ (number >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }

  /** Newton's iteration: each round doubles the number of low bits that are right. */
  private static long inverse(long odd) {
    long inverse = odd;
    for (int i = 0; i < 6; i++) {
      inverse *= 2 - odd * inverse;
    }
    return inverse;
  }
}
