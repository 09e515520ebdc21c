package io.spanfold.local;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;

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
  static void create(String bootstrapServers, int partitions) {
    // What the job sends as a dead letter at most: it refuses a source of larger records.
    Map<String, String> source =
        Map.of("max.message.bytes", String.valueOf(MAX_SOURCE_RECORD_BYTES + (64 << 10)));
    Map<String, String> deadLetters =
        Map.of(
            "max.message.bytes", String.valueOf(MAX_SOURCE_RECORD_BYTES + RECORD_OVERHEAD_BYTES));
    List<NewTopic> topics =
        List.of(
            new NewTopic(SPANS, partitions, (short) 1).configs(source),
            new NewTopic(SEGMENTS, partitions, (short) 1),
            new NewTopic(DEAD_LETTERS, 1, (short) 1).configs(deadLetters),
            new NewTopic(OUTCOMES, 1, (short) 1));
    try (Admin admin =
        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers))) {
      admin.createTopics(topics).all().get();
    } catch (ExecutionException e) {
      throw new FailedRunException(
          "the topics were not created: " + e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while topics were created", e);
    }
  }
}
