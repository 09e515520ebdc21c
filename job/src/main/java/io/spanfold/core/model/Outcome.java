package io.spanfold.core.model;

/**
 * Reports spans that will never be emitted, and why: one record of the outcomes topic.
 *
 * @param timestamp when it was found out, in milliseconds of wall-clock time
 * @param organizationId whose spans; {@link #UNKNOWN} if nobody knows
 * @param projectId of which project; {@link #UNKNOWN} if nobody knows
 * @param reason why
 * @param quantity how many spans
 */
public record Outcome(
    long timestamp, long organizationId, long projectId, Reason reason, long quantity) {

  /** The organization and the project of records that were never read. */
  public static final long UNKNOWN = -1;

  /** Why spans are not emitted. */
  public enum Reason {
    /** Redis lost the payload, and Kafka no longer has the records. */
    PAYLOAD_LOST(0),
    /** The option {@code ingest.drop} lists them. */
    DROPPED(1),
    /** Kafka deleted the records before they were read. */
    OFFSETS_LOST(2),
    /** They fit into a message when they were read, and no longer do: the limit was lowered. */
    TOO_LARGE(3);

    private final int code;

    Reason(int code) {
      this.code = code;
    }

    /** Returns the number by which savepoints know it; never changed, and never reused. */
    public int code() {
      return code;
    }

    /** Throws {@link IllegalArgumentException} if no constant has {@code code}. */
    public static Reason ofCode(int code) {
      for (Reason each : values()) {
        if (each.code == code) {
          return each;
        }
      }
      throw new IllegalArgumentException("there is no outcome with code " + code);
    }
  }
}
