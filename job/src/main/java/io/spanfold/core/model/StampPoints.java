package io.spanfold.core.model;

/**
 * Where in a source record the two fields go that the sink sets: {@code is_segment} and {@code
 * attributes["sentry.segment.id"]}. Known from parsing, so that stamping copies bytes and parses
 * nothing.
 *
 * <p>All places are byte offsets into the record, which is a JSON object from its first to its last
 * byte. A range that is empty is a place of insertion; one that is not is replaced.
 *
 * @param isSegmentStart start of the value of {@code is_segment}; if the record has none, the place
 *     after its brace
 * @param isSegmentEnd end (exclusive) of that value, or {@code isSegmentStart}
 * @param segmentIdStart start of the range of {@code segmentIdEdit}
 * @param segmentIdEnd end (exclusive) of that range
 * @param segmentIdEdit the edit to make there
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

  /** The edit that gives a record its segment id. */
  public enum SegmentIdEdit {
    /** The record has one: it stays. */
    KEEP(0),
    /** No {@code attributes}: the field is inserted after the record's brace. */
    ADD_ATTRIBUTES(1),
    /** {@code "attributes": null}: the range, the null, becomes an object. */
    REPLACE_NULL_ATTRIBUTES(2),
    /** {@code "attributes": {}}: the first member is inserted after the brace. */
    ADD_ONLY_MEMBER(3),
    /** Other attributes: a member and a comma are inserted after the brace. */
    ADD_FIRST_MEMBER(4),
    /**
     * {@code "sentry.segment.id"} is null, or has a null value: the range, its value, is replaced.
     */
    REPLACE_MEMBER(5);

    /** {@link #values()} copies its array at each call, and codes are read for each span. */
    private static final SegmentIdEdit[] ALL = values();

    private final int code;

    SegmentIdEdit(int code) {
      this.code = code;
    }

    /**
     * Returns the number by which payloads and savepoints know it; never changed, and never reused.
     */
    public int code() {
      return code;
    }

    /** Throws {@link IllegalArgumentException} if no constant has {@code code}. */
    public static SegmentIdEdit ofCode(int code) {
      for (SegmentIdEdit each : ALL) {
        if (each.code == code) {
          return each;
        }
      }
      throw new IllegalArgumentException("there is no edit with code " + code);
    }
  }
}
