package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one producer's wrong clock does to the spans of others. */
@Timeout(120)
class WrongClocksITCase {

  private static final long MINUTE = 60_000;
  private static final long ROOT = 0xA0;
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Servers servers;

  /** A record that is not part of the trace in question, and whose time the clock follows. */
  private long others;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  /** Twenty minutes, a day, no timestamp, and seconds that were taken for milliseconds. */
  @ParameterizedTest
  @ValueSource(longs = {-20 * MINUTE, 0})
  void oneOldSpanDoesNotDivideTheTraceThatItIsSentWith(long wrong) throws Exception {
    String name = "old-" + Math.abs(wrong);
    JobClient job = submit(name, 1, 1);
    try (KafkaProducer<byte[], byte[]> producer = SpanRecords.producer(servers.bootstrapServers());
        CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      sendOther(producer, name, 0, System.currentTimeMillis());
      assertThat(committed.readUntil(seen -> !seen.isEmpty())).as("the clock runs").isTrue();

      long now = System.currentTimeMillis();
      TraceKey trace = new TraceKey(1, 1, wrong);
      long old = wrong < 0 ? now + wrong : wrong;
      for (Span span :
          List.of(
              Spans.root(trace, ROOT, now, 0),
              Spans.child(trace, 0xA1, ROOT, now + 500, 1),
              Spans.child(trace, 0xA2, ROOT, old, 2),
              Spans.child(trace, 0xA3, 0xA1, now + 1_000, 3),
              Spans.child(trace, 0xA4, 0xA3, now + 2_000, 4))) {
        send(producer, name, 0, span);
      }

      assertThat(committed.readUntil(seen -> segments(seen, trace).size() == 5)).isTrue();
      assertThat(segments(committed.all(), trace).values()).containsOnly(Hex.id(ROOT));
    } finally {
      job.cancel().get();
    }
  }

  /** Its records are an hour old; it sends for as long as the test runs. */
  @Test
  void aSlowProducerAloneInItsPartitionHoldsTheOthersBackByMaxLag() throws Exception {
    String name = "slow";
    JobClient job = submit(name, 2, 2);
    ScheduledExecutorService slow = Executors.newSingleThreadScheduledExecutor();
    try (KafkaProducer<byte[], byte[]> producer = SpanRecords.producer(servers.bootstrapServers());
        CommittedRecords committed =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      // Two records a second are what stopped all output.
      slow.scheduleAtFixedRate(
          () -> sendOther(producer, name, 1, System.currentTimeMillis() - 60 * MINUTE),
          0,
          500,
          TimeUnit.MILLISECONDS);
      TraceKey trace = new TraceKey(1, 2, 3);
      send(producer, name, 0, Spans.root(trace, ROOT, System.currentTimeMillis(), 0));

      assertThat(committed.readUntil(seen -> !segments(seen, trace).isEmpty())).isTrue();
      assertThat(committed.readUntil(seen -> seen.size() > 3)).as("its own come, too").isTrue();
      slow.shutdown();
      assertThat(slow.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
    } finally {
      slow.shutdownNow();
      job.cancel().get();
    }
  }

  private void sendOther(
      KafkaProducer<byte[], byte[]> producer, String topic, int partition, long timestamp) {
    others++;
    send(
        producer,
        topic,
        partition,
        Spans.root(new TraceKey(2, others, partition), others, timestamp, others));
  }

  private static void send(
      KafkaProducer<byte[], byte[]> producer, String topic, int partition, Span span) {
    producer.send(
        new ProducerRecord<>(
            topic, partition, span.timestamp(), null, SpanRecords.json(span).getBytes(UTF_8)));
    producer.flush();
  }

  /** Returns the segment of each span of a trace. */
  private static Map<String, String> segments(
      List<ConsumerRecord<byte[], byte[]>> messages, TraceKey trace) {
    Map<String, String> segments = new TreeMap<>();
    for (ConsumerRecord<byte[], byte[]> message : messages) {
      if (new String(message.key(), UTF_8).equals(trace.toString())) {
        for (JsonNode span : spans(message.value())) {
          segments.put(
              span.get("span_id").textValue(),
              span.get("attributes").get("sentry.segment.id").get("value").textValue());
        }
      }
    }
    return segments;
  }

  private static JsonNode spans(byte[] message) {
    try {
      return JSON.readTree(message).get("spans");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JobClient submit(String name, int partitions, int parallelism) throws Exception {
    servers.createTopic(name, partitions);
    servers.createTopic(name + "-segments", 1);
    Configuration options = servers.options(name);
    options.setString("source.max-lag", "2 s");
    options.setString("segment.root-timeout", "1 s");
    options.setString("segment.timeout", "5 s");
    options.setString("segment.late-grace", "1 min");
    Configuration configuration = new Configuration();
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    return env.executeAsync(name);
  }
}
