package io.spanfold.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What a reader of committed records sees in a topic. Safe for use by several threads. */
public final class CommittedRecords implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final List<ConsumerRecord<byte[], byte[]>> seen = new ArrayList<>();

  /** Reads all partitions of {@code topic} from their beginning. */
  public CommittedRecords(String bootstrapServers, String topic) {
    Map<String, Object> properties =
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
            bootstrapServers,
            ConsumerConfig.ISOLATION_LEVEL_CONFIG,
            "read_committed");
    consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions =
        consumer.partitionsFor(topic).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  /**
   * Reads on until what was seen so far fulfils {@code enough}; returns whether it does in time.
   */
  public synchronized boolean readUntil(Predicate<List<ConsumerRecord<byte[], byte[]>>> enough) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!enough.test(seen)) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      consumer.poll(Duration.ofMillis(50)).forEach(seen::add);
    }
    return true;
  }

  /** Reads up to the end of what is committed now, and returns all that was ever seen. */
  public synchronized List<ConsumerRecord<byte[], byte[]>> all() {
    Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the topic was not read to its end: " + ends);
      }
      consumer.poll(Duration.ofMillis(50)).forEach(seen::add);
    }
    return List.copyOf(seen);
  }

  @Override
  public synchronized void close() {
    consumer.close();
  }
}
