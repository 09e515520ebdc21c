package io.spanfold.core.model;

/**
 * Where in a source record the two fields go that the sink sets: {@code is_segment} and {@code
 * attributes["sentry.segment.id"]}. Known from parsing, so that stamping copies bytes and parses
 * nothing.
 *
 * <p>All places are byte offsets into the record, which is a JSON object from its first to its last
 * byte. A range that is empty is a place of insertion; one that is not is replaced.
 *
 * @param isSegmentStart start of the value of {@code is_segment}; where the record has none, the
 *     place after its brace
 * @param isSegmentEnd end (exclusive) of that value, or {@code isSegmentStart}
 * @param segmentIdStart start of the range that {@code segmentIdEdit} speaks of
 * @param segmentIdEnd end (exclusive) of that range
 * @param segmentIdEdit what is to be written there
 */
public record StampPoints(
    int isSegmentStart,
    int isSegmentEnd,
    int segmentIdStart,
    int segmentIdEnd,
    SegmentIdEdit segmentIdEdit) {

  /** Returns whether the record names {@code is_segment} already. */
  public boolean hasIsSegment() {
    return isSegmentEnd > isSegmentStart;
  }

  /**
   * What it takes to give a record its segment id. The order is part of the payload format: append
   * only.
   */
  public enum SegmentIdEdit {
    /** The record has one: it stays. */
    KEEP,
    /** No {@code attributes}: the field is inserted after the record's brace. */
    ADD_ATTRIBUTES,
    /** {@code "attributes": null}: the range, the null, becomes an object. */
    REPLACE_NULL_ATTRIBUTES,
    /** {@code "attributes": {}}: the first member is inserted after the brace. */
    ADD_ONLY_MEMBER,
    /** Other attributes: a member and a comma are inserted after the brace. */
    ADD_FIRST_MEMBER,
    /**
     * {@code "sentry.segment.id"} is null, or has a null value: the range, its value, is replaced.
     */
    REPLACE_MEMBER
  }
}
