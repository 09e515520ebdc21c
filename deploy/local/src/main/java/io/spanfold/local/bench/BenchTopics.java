package io.spanfold.local.bench;

import io.spanfold.local.FailedRunException;
import io.spanfold.local.bench.load.Load;
import io.spanfold.local.bench.load.SpanStream;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Makes topics, and fills them. For use by one thread. */
final class BenchTopics implements AutoCloseable {

  /** Of a source topic. */
  static final int PARTITIONS = 4;

  private static final Duration LEADERS_TIMEOUT = Duration.ofSeconds(30);

  private final String bootstrapServers;
  private final Admin admin;

  BenchTopics(String bootstrapServers) {
    this.bootstrapServers = bootstrapServers;
    this.admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers));
  }

  /** Creates a topic of which the broker itself writes down when each record was appended. */
  void createTimed(String topic) {
    create(topic, Map.of("message.timestamp.type", "LogAppendTime"));
  }

  /** Creates a topic. */
  void create(String topic) {
    create(topic, Map.of());
  }

  private void create(String topic, Map<String, String> configuration) {
    NewTopic wanted = new NewTopic(topic, PARTITIONS, (short) 1).configs(configuration);
    try {
      admin.createTopics(List.of(wanted)).all().get();
      awaitLeaders(topic);
    } catch (ExecutionException e) {
      throw new FailedRunException("topic " + topic + " was not created", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted", e);
    }
  }

  /**
   * A broker knows of a topic before it leads its partitions. A producer whose first batches come
   * in between has been seen to get its sequence numbers refused for good.
   */
  private void awaitLeaders(String topic) throws ExecutionException, InterruptedException {
    Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
    for (int i = 0; i < PARTITIONS; i++) {
      ends.put(new TopicPartition(topic, i), OffsetSpec.latest());
    }
    long end = System.nanoTime() + LEADERS_TIMEOUT.toNanos();
    while (true) {
      try {
        admin.listOffsets(ends).all().get();
        return;
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof RetriableException) || System.nanoTime() > end) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  /** Deletes topics; their disk comes free a little later. */
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
   * @return how many bytes the values have
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

  /** Sends one record of a stream. */
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

  /** Returns a producer for much at a time. */
  KafkaProducer<byte[], byte[]> producer() {
    return new KafkaProducer<>(
        Map.of(
            "bootstrap.servers",
            bootstrapServers,
            "linger.ms",
            5,
            "max.in.flight.requests.per.connection",
            1,
            "batch.size",
            1 << 18,
            "buffer.memory",
            64L << 20,
            "max.request.size",
            4 << 20),
        new ByteArraySerializer(),
        new ByteArraySerializer());
  }

  @Override
  public void close() {
    admin.close();
  }
}
