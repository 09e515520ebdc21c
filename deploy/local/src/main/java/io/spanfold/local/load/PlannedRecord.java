package io.spanfold.local.load;

/**
 * A source record and when it is to be sent.
 *
 * @param dueMillis when, in ms after the start of the load
 * @param key of the record in Kafka; null for none
 * @param value of the record
 * @param span what is to become of it; null for a bad record, which is to become a dead letter and
 *     whose key is its own
 */
@SuppressWarnings("ArrayRecordComponent")
public record PlannedRecord(long dueMillis, String key, byte[] value, PlannedSpan span) {

  /**
   * A span as it must come out.
   *
   * @param trace {@code project:trace}, as the key of the segment's messages
   * @param spanId its id
   * @param segmentId the id of its segment
   * @param checksum of its padding, by which it is known to be whole
   * @param copy whether the same record has been planned before
   */
  public record PlannedSpan(
      String trace, String spanId, String segmentId, String checksum, boolean copy) {}
}
