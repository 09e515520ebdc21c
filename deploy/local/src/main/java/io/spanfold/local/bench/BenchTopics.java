package io.spanfold.local.bench;

import io.spanfold.embedded.KafkaBroker;
import io.spanfold.local.bench.load.Load;
import io.spanfold.local.bench.load.SpanStream;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.KafkaClients;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Creates, fills and deletes topics. For use by one thread. */
final class BenchTopics implements AutoCloseable {

  /** The partitions of every topic. */
  static final int PARTITIONS = 4;

  private static final int ADMIN_TIMEOUT_MILLIS = 60_000;

  private final String bootstrapServers;
  private final Admin admin;

  BenchTopics(String bootstrapServers) {
    this.bootstrapServers = bootstrapServers;
    this.admin = KafkaClients.admin(bootstrapServers, ADMIN_TIMEOUT_MILLIS);
  }

  /** Creates a topic whose timestamps are the times of the append. */
  void createTimed(String topic) {
    create(topic, Map.of("message.timestamp.type", "LogAppendTime"));
  }

  void create(String topic) {
    create(topic, Map.of());
  }

  private void create(String topic, Map<String, String> configuration) {
    KafkaBroker.createTopic(bootstrapServers, topic, PARTITIONS, configuration);
  }

  /** Deletes topics; the broker frees their disk space a second later. */
  void delete(Collection<String> topics) {
    try {
      admin.deleteTopics(topics).all().get();
    } catch (ExecutionException e) {
      throw new FailedRunException("topics " + topics + " were not deleted", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted", e);
    }
  }

  /**
   * Creates a topic and writes a load into it. Its record time ends an hour ago.
   *
   * @return the bytes of all values
   */
  long fill(String topic, Load load) {
    create(topic);
    long start =
        System.currentTimeMillis() - 3_600_000 - load.spans() * 1_000L / load.spansPerSecond();
    SpanStream spans = new SpanStream(load, start);
    long bytes = 0;
    AtomicReference<Exception> failure = new AtomicReference<>();
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      while (spans.hasNext()) {
        byte[] value = spans.next();
        bytes += value.length;
        send(producer, topic, spans, value, failure);
      }
    }
    if (failure.get() != null) {
      throw new FailedRunException("a span was not sent to " + topic, failure.get());
    }
    return bytes;
  }

  /** Sends the current record of a stream. */
  static void send(
      KafkaProducer<byte[], byte[]> producer,
      String topic,
      SpanStream spans,
      byte[] value,
      AtomicReference<Exception> failure) {
    producer.send(
        new ProducerRecord<>(topic, spans.partition(PARTITIONS), spans.timestamp(), null, value),
        (metadata, e) -> {
          if (e != null) {
            failure.compareAndSet(null, e);
          }
        });
  }

  KafkaProducer<byte[], byte[]> producer() {
    return KafkaClients.producer(
        bootstrapServers,
        Map.of(
            ProducerConfig.LINGER_MS_CONFIG, 5,
            ProducerConfig.BUFFER_MEMORY_CONFIG, 64L << 20,
            ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 4 << 20));
  }

  @Override
  public void close() {
    admin.close();
  }
}
