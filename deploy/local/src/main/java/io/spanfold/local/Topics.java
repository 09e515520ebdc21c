package io.spanfold.local;

import io.spanfold.embedded.KafkaBroker;
import java.util.Map;

/** The topics of a run. */
final class Topics {

  static final String SPANS = "ingest-spans";
  static final String SEGMENTS = "buffered-segments";
  static final String DEAD_LETTERS = "ingest-spans-dlq";
  static final String OUTCOMES = "outcomes";

  /** The longest source record in bytes; a dead letter holds it too, with headers. */
  static final int MAX_SOURCE_RECORD_BYTES = 64 << 20;

  /** What a record may weigh beyond its value, and a dead letter beyond its source record. */
  static final int RECORD_OVERHEAD_BYTES = 1 << 20;

  private Topics() {}

  /** Creates all of them. */
  static void create(KafkaBroker broker, int partitions) {
    Map<String, String> large =
        Map.of(
            "max.message.bytes",
            String.valueOf(MAX_SOURCE_RECORD_BYTES + 2 * RECORD_OVERHEAD_BYTES));
    broker.createTopic(SPANS, partitions, large);
    broker.createTopic(SEGMENTS, partitions);
    broker.createTopic(DEAD_LETTERS, 1, large);
    broker.createTopic(OUTCOMES, 1);
  }
}
