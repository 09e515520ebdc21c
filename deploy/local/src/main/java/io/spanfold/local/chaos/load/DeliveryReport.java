package io.spanfold.local.chaos.load;

import java.util.List;

/**
 * The result of comparing the output with the input.
 *
 * @param spans distinct spans that were sent, without the deleted ones
 * @param copies records that repeated one of them
 * @param badRecords records that must become dead letters
 * @param deleted records that were deleted before the job read them
 * @param outcomeSpans spans that outcomes report as never emitted, without the deleted ones
 * @param namedUnderPressure spans in parts that were flushed early, under a preliminary segment id
 * @param findings all flaws
 */
public record DeliveryReport(
    long spans,
    long copies,
    long badRecords,
    long deleted,
    long outcomeSpans,
    long namedUnderPressure,
    List<Finding> findings) {

  /** The possible flaws of a span or a dead letter. */
  public enum Flaw {
    /** It was not emitted. */
    LOST,
    /** It was emitted more than once. */
    DOUBLED,
    /** It was emitted in a wrong segment. */
    MISPLACED,
    /** It was emitted changed. */
    ALTERED,
    /** It was emitted but never sent. */
    UNKNOWN,
    /** Outcomes report more or fewer deleted records than were deleted. */
    MISREPORTED
  }

  /**
   * One flaw of the output.
   *
   * @param what the span's or dead letter's id
   * @param sentMillis when it was sent, in epoch ms
   * @param foundMillis when it was read; if it was lost, when that was established; if it is
   *     misreported, when the last record was deleted, as {@code sentMillis}
   * @param detail a description
   */
  public record Finding(Flaw flaw, String what, long sentMillis, long foundMillis, String detail) {}

  /** Returns the number of findings of a kind. */
  public long count(Flaw flaw) {
    return findings.stream().filter(f -> f.flaw() == flaw).count();
  }

  /**
   * Returns whether every span was emitted once, unchanged, in its segment, and what was deleted
   * before is reported.
   */
  public boolean isGood() {
    return findings.isEmpty() && outcomeSpans == 0;
  }
}
