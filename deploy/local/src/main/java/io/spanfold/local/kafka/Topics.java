package io.spanfold.local.kafka;

import io.spanfold.embedded.KafkaBroker;
import java.util.List;
import java.util.Map;

/** The topics of a run. */
public final class Topics {

  public static final String SPANS = "ingest-spans";
  public static final String SEGMENTS = "buffered-segments";
  public static final String DEAD_LETTERS = "ingest-spans-dlq";
  public static final String OUTCOMES = "outcomes";

  /** All topics that the job writes. */
  public static final List<String> OUTPUT = List.of(SEGMENTS, DEAD_LETTERS, OUTCOMES);

  /** The largest source record in bytes. A dead letter contains it too, with headers. */
  public static final int MAX_SOURCE_RECORD_BYTES = 64 << 20;

  /** Allowance for a record's key and headers, and for what a dead letter adds to its source. */
  static final int RECORD_OVERHEAD_BYTES = 1 << 20;

  private static final String MAX_MESSAGE_BYTES = "max.message.bytes";

  private Topics() {}

  /**
   * Creates all of them.
   *
   * @param partitions of the source and of the segments
   * @throws IllegalStateException if the broker refuses
   */
  public static void create(String bootstrapServers, int partitions) {
    // So that every bad record fits into a dead letter.
    int source = MAX_SOURCE_RECORD_BYTES + (64 << 10);
    int deadLetter = MAX_SOURCE_RECORD_BYTES + RECORD_OVERHEAD_BYTES;
    KafkaBroker.createTopic(bootstrapServers, SPANS, partitions, maxMessageBytes(source));
    KafkaBroker.createTopic(bootstrapServers, SEGMENTS, partitions, Map.of());
    KafkaBroker.createTopic(bootstrapServers, DEAD_LETTERS, 1, maxMessageBytes(deadLetter));
    KafkaBroker.createTopic(bootstrapServers, OUTCOMES, 1, Map.of());
  }

  private static Map<String, String> maxMessageBytes(int bytes) {
    return Map.of(MAX_MESSAGE_BYTES, String.valueOf(bytes));
  }
}
