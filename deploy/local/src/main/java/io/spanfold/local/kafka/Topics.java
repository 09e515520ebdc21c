package io.spanfold.local.kafka;

import io.spanfold.embedded.KafkaBroker;
import io.spanfold.local.cli.FailedRunException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;

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

  private static final int ADMIN_TIMEOUT_MILLIS = 60_000;

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

  /**
   * Makes the broker create its own topics, for transactions and groups, which it otherwise creates
   * when they are first used, on any broker that there is then.
   *
   * @throws FailedRunException if the broker does not
   */
  public static void createInternal(String bootstrapServers) {
    String any = "spanfold-local";
    try (KafkaProducer<byte[], byte[]> producer =
        KafkaClients.producer(
            bootstrapServers, Map.of(ProducerConfig.TRANSACTIONAL_ID_CONFIG, any))) {
      producer.initTransactions();
    }
    call(
        bootstrapServers,
        admin -> admin.listConsumerGroupOffsets(any).partitionsToOffsetAndMetadata());
  }

  /**
   * Returns the end offset of a partition, open transactions included.
   *
   * @throws FailedRunException if its leader does not answer
   */
  public static long endOffset(String bootstrapServers, TopicPartition partition) {
    return call(
            bootstrapServers,
            admin ->
                admin
                    .listOffsets(Map.of(partition, OffsetSpec.latest()))
                    .partitionResult(partition))
        .offset();
  }

  /**
   * Deletes the records of a partition before an offset, as retention does.
   *
   * @throws FailedRunException if its leader does not answer
   */
  public static void deleteRecords(
      String bootstrapServers, TopicPartition partition, long beforeOffset) {
    call(
        bootstrapServers,
        admin ->
            admin
                .deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(beforeOffset)))
                .all());
  }

  private static <T> T call(String bootstrapServers, Function<Admin, KafkaFuture<T>> request) {
    try (Admin admin = KafkaClients.admin(bootstrapServers, ADMIN_TIMEOUT_MILLIS)) {
      return request.apply(admin).get();
    } catch (ExecutionException e) {
      throw new FailedRunException("Kafka refused a request: " + e.getCause().getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while Kafka was asked", e);
    }
  }
}
