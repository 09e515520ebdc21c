package io.spanfold.local;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads the committed records of some topics from their beginning. For use by one thread. */
final class TopicCollector implements AutoCloseable {

  /** Takes one record. */
  interface Sink {
    void accept(ConsumerRecord<byte[], byte[]> committed) throws IOException;
  }

  private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(60);

  private final KafkaConsumer<byte[], byte[]> committed;
  private final KafkaConsumer<byte[], byte[]> ends;
  private final Collection<TopicPartition> partitions;
  private final Map<String, Sink> sinks;

  /** Reads every partition of the topics that {@code sinks} names. */
  TopicCollector(String bootstrapServers, Map<String, Sink> sinks) {
    this.sinks = Map.copyOf(sinks);
    committed = consumer(bootstrapServers, IsolationLevel.READ_COMMITTED);
    ends = consumer(bootstrapServers, IsolationLevel.READ_UNCOMMITTED);
    partitions =
        sinks.keySet().stream()
            .flatMap(topic -> committed.partitionsFor(topic).stream())
            .map(p -> new TopicPartition(p.topic(), p.partition()))
            .toList();
    committed.assign(partitions);
    committed.seekToBeginning(partitions);
  }

  private static KafkaConsumer<byte[], byte[]> consumer(
      String bootstrapServers, IsolationLevel isolation) {
    return new KafkaConsumer<>(
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
            bootstrapServers,
            ConsumerConfig.ISOLATION_LEVEL_CONFIG,
            isolation.toString(),
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
            false,
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
            "earliest"),
        new ByteArrayDeserializer(),
        new ByteArrayDeserializer());
  }

  /** Hands on what is there, waiting up to {@code timeout} for something. */
  void poll(Duration timeout) throws IOException {
    for (ConsumerRecord<byte[], byte[]> next : committed.poll(timeout)) {
      sinks.get(next.topic()).accept(next);
    }
  }

  /**
   * Hands on everything up to the ends that the topics have now.
   *
   * @throws FailedRunException where a transaction that was left open hides the rest
   */
  void drain() throws IOException {
    Map<TopicPartition, Long> end = ends.endOffsets(partitions);
    long deadline = System.nanoTime() + DRAIN_TIMEOUT.toNanos();
    while (end.entrySet().stream().anyMatch(e -> committed.position(e.getKey()) < e.getValue())) {
      if (System.nanoTime() > deadline) {
        throw new FailedRunException(
            "records in %s are still not committed %d s after the job ended"
                .formatted(
                    sinks.keySet(), TimeUnit.NANOSECONDS.toSeconds(DRAIN_TIMEOUT.toNanos())));
      }
      poll(Duration.ofMillis(200));
    }
  }

  @Override
  public void close() {
    committed.close();
    ends.close();
  }
}
