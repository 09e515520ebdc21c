package io.spanfold.testing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The records that a read-committed consumer sees in a topic. Safe for use by several threads. */
public final class CommittedRecords implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Map<String, Object> common;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final List<ConsumerRecord<byte[], byte[]>> seen = new ArrayList<>();

  /** Reads all partitions of {@code topic} from their beginning. */
  public CommittedRecords(String bootstrapServers, String topic) {
    this(Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers), topic);
  }

  /** Reads by consumers of these properties. */
  public CommittedRecords(Map<String, Object> common, String topic) {
    this.common = Map.copyOf(common);
    Map<String, Object> properties = new HashMap<>(common);
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions;
    do {
      // A broker may not know a topic yet that another part of it has just created.
      partitions =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
    } while (partitions.isEmpty());
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  /** Reads until the records seen so far fulfil {@code enough}; returns whether they do in time. */
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

  /**
   * Reads up to the topic's current end, committed or not, and returns everything that was ever
   * seen. A commit is answered before its markers are written, so committed records may not be
   * visible at once. Fails if a transaction stays open.
   */
  public synchronized List<ConsumerRecord<byte[], byte[]>> all() {
    Map<TopicPartition, Long> ends = ends();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the topic was not read to its end: " + ends);
      }
      consumer.poll(Duration.ofMillis(50)).forEach(seen::add);
    }
    return List.copyOf(seen);
  }

  private Map<TopicPartition, Long> ends() {
    try (KafkaConsumer<byte[], byte[]> uncommitted =
        new KafkaConsumer<>(common, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      return uncommitted.endOffsets(consumer.assignment());
    }
  }

  @Override
  public synchronized void close() {
    consumer.close();
  }
}
