package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.encoding.Hex;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ten projects send at a steady rate, and one at fifty times the rate of each of them for a while.
 * The latency of a segment is the time from its deadline until a reader of committed records has
 * it. {@code -Dspanfold.flood.seconds=60} makes each of the three phases longer, and {@code
 * -Dspanfold.flood.traces-a-second=50} the rate of each project higher.
 */
class TenantFloodITCase {

  private static final int SECONDS = Integer.getInteger("spanfold.flood.seconds", 5);
  private static final int RATE = Integer.getInteger("spanfold.flood.traces-a-second", 5);
  private static final int PROJECTS = 10;
  private static final int FLOOD = 50;
  private static final int SPANS_A_TRACE = 4;

  private static final Duration ROOT_TIMEOUT = Duration.ofSeconds(1);

  /** Far beyond the noise of a busy machine: what counts is printed. */
  private static final long MOST_ADDED_MILLIS = 10_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  /** When the spans of a segment were sent, and how long after its deadline it was read. */
  private record Latency(long sentAt, long millis) {}

  private int traces;

  @Test
  @Timeout(600)
  void aProjectsFloodDoesNotDelayTheOthers() throws Exception {
    try (Servers servers = new Servers();
        JobCluster cluster = new JobCluster(directory, 1, 2)) {
      String name = "flood";
      servers.createTopic(name, Servers.PARTITIONS);
      servers.createTopic(name + "-segments", 2);
      Configuration options = servers.options(name);
      options.setString("segment.root-timeout", ROOT_TIMEOUT.toMillis() + " ms");
      options.setString("segment.late-grace", "5 s");
      JobID job = cluster.submit(options, new Configuration(), 2, null);
      List<Latency> latencies = new ArrayList<>();
      try (KafkaProducer<byte[], byte[]> producer =
              SpanRecords.producer(servers.bootstrapServers());
          KafkaConsumer<byte[], byte[]> consumer = consumer(servers, name + "-segments")) {
        phase(producer, consumer, name, 0, latencies); // Warm-up.
        long before = phase(producer, consumer, name, 0, latencies);
        long during = phase(producer, consumer, name, FLOOD, latencies);
        long after = phase(producer, consumer, name, 0, latencies);
        long end = System.currentTimeMillis();
        int expected = 4 * SECONDS * RATE * PROJECTS;
        while (latencies.size() < expected) {
          read(consumer, latencies);
          assertThat(System.currentTimeMillis() - end)
              .as("%d read", latencies.size())
              .isLessThan(60_000);
        }
        long[] calm = percentiles(latencies, before, during);
        long[] flooded = percentiles(latencies, during, after);
        long[] later = percentiles(latencies, after, end);
        System.out.printf(
            "latency of ten projects with %d spans/s each, in ms: median and 99th percentile %d and"
                + " %d before, %d and %d while another sends %d spans/s, %d and %d after%n",
            RATE * SPANS_A_TRACE,
            calm[0],
            calm[1],
            flooded[0],
            flooded[1],
            RATE * SPANS_A_TRACE * FLOOD,
            later[0],
            later[1]);
        assertThat(flooded[1]).isLessThan(calm[1] + MOST_ADDED_MILLIS);
        assertThat(later[1]).isLessThan(calm[1] + MOST_ADDED_MILLIS);
      }
      cluster.stopWithSavepoint(job, true);
      assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
    }
  }

  /** Sends at the wall clock's pace, and reads meanwhile; returns when it began. */
  private long phase(
      KafkaProducer<byte[], byte[]> producer,
      KafkaConsumer<byte[], byte[]> consumer,
      String topic,
      int flood,
      List<Latency> latencies)
      throws IOException {
    long begin = System.currentTimeMillis();
    int rounds = SECONDS * RATE;
    for (int round = 0; round < rounds; ) {
      if (System.currentTimeMillis() >= begin + 1_000L * round / RATE) {
        for (int project = 1; project <= PROJECTS; project++) {
          send(producer, topic, project);
        }
        for (int i = 0; i < flood; i++) {
          send(producer, topic, 0);
        }
        round++;
      }
      read(consumer, latencies);
    }
    return begin;
  }

  private void send(KafkaProducer<byte[], byte[]> producer, String topic, int project) {
    int trace = traces++;
    long now = System.currentTimeMillis();
    long root = (long) trace * SPANS_A_TRACE + 1;
    for (int i = 0; i < SPANS_A_TRACE; i++) {
      String record =
          """
          {"organization_id":1,"project_id":%d,"trace_id":"%032x","span_id":"%s","parent_span_id":%s,\
          "end_timestamp":1.5,"sent_at":%d}"""
              .formatted(
                  project,
                  trace + 1,
                  Hex.id(root + i),
                  i == 0 ? "null" : "\"" + Hex.id(root) + "\"",
                  now);
      producer.send(
          new ProducerRecord<>(
              topic, trace % Servers.PARTITIONS, now, null, record.getBytes(UTF_8)));
    }
  }

  /** Notes the latencies of all projects but the flooding one. */
  private static void read(KafkaConsumer<byte[], byte[]> consumer, List<Latency> latencies)
      throws IOException {
    for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofMillis(10))) {
      if (!new String(message.key(), UTF_8).startsWith("0:")) {
        JsonNode span = JSON.readTree(message.value()).get("spans").get(0);
        long sentAt = span.get("sent_at").longValue();
        long latency = System.currentTimeMillis() - sentAt - ROOT_TIMEOUT.toMillis();
        latencies.add(new Latency(sentAt, latency));
      }
    }
  }

  /** Returns the median and the 99th percentile of what was sent from {@code from} on. */
  private static long[] percentiles(List<Latency> latencies, long from, long to) {
    List<Long> sorted = new ArrayList<>();
    latencies.stream()
        .filter(each -> each.sentAt >= from && each.sentAt < to)
        .forEach(each -> sorted.add(each.millis));
    Collections.sort(sorted);
    return new long[] {sorted.get(sorted.size() / 2), sorted.get(sorted.size() * 99 / 100)};
  }

  private static KafkaConsumer<byte[], byte[]> consumer(Servers servers, String topic) {
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                servers.bootstrapServers(),
                "isolation.level",
                "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    consumer.assign(List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1)));
    consumer.seekToBeginning(consumer.assignment());
    return consumer;
  }
}
