package io.spanfold.local.chaos.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.zip.CRC32C;

/**
 * A source record and when it is sent.
 *
 * @param dueMillis ms after the start of the load
 * @param key the Kafka key; null for none
 * @param value the record
 * @param span the expected output; null for a bad record, which must become a dead letter and has a
 *     unique key
 */
@SuppressWarnings("ArrayRecordComponent")
public record PlannedRecord(long dueMillis, String key, byte[] value, PlannedSpan span) {

  /**
   * A span as it must be emitted.
   *
   * @param trace {@code project:trace}, the key of the segment's messages
   * @param spanId its id
   * @param segmentId the id of its segment
   * @param checksum of its padding
   * @param copy whether the same record has been planned before
   */
  public record PlannedSpan(
      String trace, String spanId, String segmentId, String checksum, boolean copy) {

    static String checksum(String padding) {
      CRC32C sum = new CRC32C();
      sum.update(padding.getBytes(UTF_8));
      return Long.toHexString(sum.getValue());
    }
  }
}
