package io.spanfold.local.bench.load;

/** A reversible mapping of span numbers to ids that look random. */
public final class SpanIds {

  /** Odd, so that multiplying by it is a permutation. */
  private static final long FACTOR = 0x9E3779B97F4A7C15L;

  private static final long INVERSE = inverse(FACTOR);

  private SpanIds() {}

  /** Returns the id of the span with this number, which is at least 0. */
  public static long idOf(long number) {
    return (number + 1) * FACTOR;
  }

  /** Returns the number of the span with this id. */
  public static long numberOf(long id) {
    return id * INVERSE - 1;
  }

  /** Returns 64 bits that look random. */
  static long mix(long number) {
    long mixed = (number ^ (number >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }

  /** Newton's iteration: each round doubles the number of correct low bits. */
  private static long inverse(long odd) {
    long inverse = odd;
    for (int i = 0; i < 6; i++) {
      inverse *= 2 - odd * inverse;
    }
    return inverse;
  }
}
