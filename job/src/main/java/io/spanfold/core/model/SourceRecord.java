package io.spanfold.core.model;

import java.util.List;

/**
 * A record as it was read from the source topic.
 *
 * @param topic the topic
 * @param partition the partition
 * @param offset its offset there
 * @param key its key; null for none
 * @param value its value; null for a tombstone
 * @param headers its headers
 */
public record SourceRecord(
    String topic,
    int partition,
    long offset,
    byte[] key,
    byte[] value,
    List<DeadLetter.Header> headers) {

  /** Returns this record as a dead letter. */
  public DeadLetter rejected(String reason, String error) {
    SourcePosition position = new SourcePosition(partition, offset, 0);
    return new DeadLetter(key, value, headers, reason, topic, position, error);
  }
}
