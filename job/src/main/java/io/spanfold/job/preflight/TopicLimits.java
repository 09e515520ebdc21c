package io.spanfold.job.preflight;

import io.spanfold.job.config.SpanfoldConfig;
import org.apache.kafka.common.KafkaException;

/** How large a record of the segments topic may be. */
public final class TopicLimits {

  /** Below this there is no use in trying: hardly a span would fit. */
  private static final int LEAST_CHUNK_BYTES = 1024;

  private TopicLimits() {}

  /**
   * Returns the largest value of a record of the segments topic, in bytes: what is configured, or
   * what the topic accepts less a margin for the record's key and headers. Asks Kafka only in the
   * latter case.
   *
   * @throws IllegalStateException where the topic cannot be asked; the message says what to do
   */
  public static int chunkBytes(SpanfoldConfig config) {
    if (config.flush().chunkBytes() > 0) {
      return config.flush().chunkBytes();
    }
    String topic = config.sink().topic();
    long accepted;
    try (KafkaServers kafka = new KafkaServers(config)) {
      accepted = kafka.maxMessageBytes(topic);
    } catch (KafkaException e) {
      throw new IllegalStateException(
          "Kafka does not tell how large a record of %s may be (%s); create the topic, check kafka.bootstrap.servers, or set flush.chunk-bytes."
              .formatted(topic, KafkaServers.words(e)),
          e);
    }
    if (!leavesRoom(accepted)) {
      throw new IllegalStateException(tooSmall(topic, accepted));
    }
    return (int)
        Math.min(accepted - SpanfoldConfig.RECORD_OVERHEAD_BYTES, SpanfoldConfig.MAX_CHUNK_BYTES);
  }

  /** Returns whether segments fit into a topic that accepts so much, where nothing is set. */
  static boolean leavesRoom(long accepted) {
    return accepted >= SpanfoldConfig.RECORD_OVERHEAD_BYTES + LEAST_CHUNK_BYTES;
  }

  /** Tells that they do not. */
  static String tooSmall(String topic, long accepted) {
    return "sink.topic (%s) accepts records of %d bytes at most, of which %d are kept for what is around a value; set its max.message.bytes to a megabyte or more."
        .formatted(topic, accepted, SpanfoldConfig.RECORD_OVERHEAD_BYTES);
  }
}
