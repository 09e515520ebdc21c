package io.spanfold.core.model;

/**
 * Tells that spans will never be emitted, and why: one record of the outcomes topic.
 *
 * @param timestamp when it was found out, in milliseconds of wall-clock time
 * @param organizationId whose spans
 * @param projectId of which project
 * @param reason why
 * @param quantity how many spans
 */
public record Outcome(
    long timestamp, long organizationId, long projectId, Reason reason, long quantity) {

  /** Why spans are not emitted. The order is part of the state's format: append only. */
  public enum Reason {
    /** Redis lost the payload, and Kafka no longer has the records. */
    PAYLOAD_LOST,
    /** The option {@code ingest.drop} lists them. */
    DROPPED
  }
}
