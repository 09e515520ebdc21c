package io.spanfold.local.load;

import java.util.List;

/**
 * How what came out stands to what was sent.
 *
 * @param spans different spans that were sent
 * @param copies records that repeated one of them
 * @param badRecords records that were to become dead letters
 * @param outcomeSpans spans that an outcome says will never come out
 * @param namedUnderPressure spans in parts that were flushed before their time, under another name
 * @param findings all that was not as it must be
 */
public record Verdict(
    long spans,
    long copies,
    long badRecords,
    long outcomeSpans,
    long namedUnderPressure,
    List<Finding> findings) {

  /** What can be wrong with a span or a dead letter. */
  public enum Flaw {
    /** It did not come out. */
    LOST,
    /** It came out more than once. */
    DOUBLED,
    /** It came out in a segment that is not its own. */
    MISPLACED,
    /** It came out changed. */
    ALTERED,
    /** It came out without having been sent. */
    UNKNOWN
  }

  /**
   * One thing that was wrong.
   *
   * @param what the span's or dead letter's id
   * @param sentMillis when it was sent, in ms since the epoch
   * @param foundMillis when it came out; for what did not, when that was established
   * @param detail for a reader
   */
  public record Finding(Flaw flaw, String what, long sentMillis, long foundMillis, String detail) {}

  /** Returns how many findings there are of a kind. */
  public long count(Flaw flaw) {
    return findings.stream().filter(f -> f.flaw() == flaw).count();
  }

  /** Returns whether every span came out once, whole, in its segment. */
  public boolean isGood() {
    return findings.isEmpty() && outcomeSpans == 0;
  }
}
