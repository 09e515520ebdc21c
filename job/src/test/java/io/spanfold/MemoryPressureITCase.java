package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.core.encoding.Hex;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The whole job on a Redis that holds a fraction of the spans that are open at a time. The sizes of
 * a long run are given by {@code -Dspanfold.pressure.redis-mb=64
 * -Dspanfold.pressure.input-mb=1024}.
 */
class MemoryPressureITCase {

  private static final int REDIS_MB = Integer.getInteger("spanfold.pressure.redis-mb", 24);
  private static final int INPUT_MB = Integer.getInteger("spanfold.pressure.input-mb", 32);

  private static final int SPAN_BYTES = 4_096;
  private static final int SPANS = (int) (((long) INPUT_MB << 20) / SPAN_BYTES);
  private static final int SPANS_A_TRACE = 16;
  private static final int SEGMENT_PARTITIONS = 2;

  /**
   * The record time of the whole input, in milliseconds, and how much of that a segment is open:
   * several times what Redis can hold.
   */
  private static final int RECORD_TIME = 1_500 * INPUT_MB / REDIS_MB;

  private static final int OPEN_MILLIS = 5_000;

  private static final Duration PATIENCE = Duration.ofSeconds(Math.max(300, INPUT_MB));

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path directory;

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers((long) REDIS_MB << 20);
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  /** With a parallelism of 5, a subtask has no partition, and so no clock of its own. */
  @ParameterizedTest
  @CsvSource({"false, 2", "true, 2", "false, 5"})
  @Timeout(3_600)
  void aLoadLargerThanRedisPassesWithoutFailureDeadlockOrLoss(boolean bounded, int parallelism)
      throws Exception {
    String name = (bounded ? "bounded-" : "unbounded-") + parallelism;
    createTopics(name);
    send(name, 0, SPANS);
    long begin = System.nanoTime();

    JobClient job = submit(name, bounded, parallelism);
    CompletableFuture<JobExecutionResult> end = job.getJobExecutionResult();
    try (Output output = new Output(name + "-segments")) {
      output.readAll(end);
      if (bounded) {
        end.get();
      }
      awaitEmptyRedis(end, bounded);
      print(name, output, begin);
      assertThat(output.messagesByReason).as("messages by reason").containsKey("pressure");
    } finally {
      if (!end.isDone()) {
        job.cancel().get();
      }
      servers.wipeRedis();
    }
  }

  private static void print(String name, Output output, long begin) {
    System.out.printf(
        "%s: %d MB of spans through a Redis of %d MB in %d s; messages by reason %s; Redis refused"
            + " %d commands so far%n",
        name,
        INPUT_MB,
        REDIS_MB,
        (System.nanoTime() - begin) / 1_000_000_000,
        output.messagesByReason,
        servers.refusedForMemory());
  }

  /** One subtask more than partitions: it has none, and nothing to restore a clock from. */
  @Test
  @Timeout(3_600)
  void outputContinuesAfterATaskManagerIsKilledUnderPressure() throws Exception {
    int parallelism = Servers.PARTITIONS + 1;
    String name = "killed";
    createTopics(name);
    CompletableFuture<JobExecutionResult> never = new CompletableFuture<>();
    try (Output output = new Output(name + "-segments");
        JobCluster cluster = new JobCluster(directory, 1, parallelism)) {
      JobID job = cluster.submit(options(name, false), new Configuration(), parallelism, null);
      try {
        send(name, 0, SPANS_A_TRACE);
        output.readUntil(() -> output.spans == SPANS_A_TRACE, never);
        send(name, SPANS_A_TRACE, SPANS);
        output.readUntil(() -> output.messagesByReason.containsKey("pressure"), never);
        assertThat(output.spans).as("emitted before the failure").isLessThan(SPANS);
        cluster.replaceTaskManager(0);

        output.readAll(never);
        awaitEmptyRedis(never, false);
      } finally {
        cluster.cancel(job);
        servers.wipeRedis();
      }
    }
  }

  private static void createTopics(String name) {
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", SEGMENT_PARTITIONS);
  }

  /** Nothing is left after the clean-up of the last commit. */
  private static void awaitEmptyRedis(CompletableFuture<JobExecutionResult> end, boolean bounded)
      throws InterruptedException {
    long begin = System.nanoTime();
    Await.until(
        () -> {
          assertThat(end.isDone() && !bounded).as("the job has ended").isFalse();
          assertThat(Duration.ofNanos(System.nanoTime() - begin))
              .isLessThan(Duration.ofSeconds(30));
          return servers.redisKeys().isEmpty();
        });
  }

  /** Runs without any restart: a failure fails the test. */
  private static JobClient submit(String name, boolean bounded, int parallelism) throws Exception {
    Configuration flink = new Configuration();
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, flink);
    env.enableCheckpointing(500);
    SpanfoldConfig config =
        SpanfoldConfig.of(
            options(name, bounded), Duration.ofMillis(500), Buckets.DEFAULT_MAX_PARALLELISM);
    SpanfoldJob.build(env, config, 500_000);
    return env.executeAsync(name);
  }

  private static Configuration options(String name, boolean bounded) {
    Configuration options = servers.options(name);
    options.setString("source.bounded", Boolean.toString(bounded));
    options.setString("ingest.batch.max-bytes", "256 kb");
    options.setString("ingest.batch.max-delay", "100 ms");
    options.setString("segment.timeout", OPEN_MILLIS + " ms");
    options.setString("segment.root-timeout", OPEN_MILLIS + " ms");
    options.setString("segment.late-grace", "5 s");
    return options;
  }

  /**
   * Sends spans {@code from} to {@code to} - 1 of flat segments whose spans come one after another,
   * many segments at a time. Span {@code n} is span {@code n % 16} of its trace; the first is the
   * root.
   */
  private static void send(String topic, int from, int to) {
    Random random = new Random(from);
    byte[] noise = new byte[SPAN_BYTES * 3 / 4];
    long start = System.currentTimeMillis() - RECORD_TIME;
    try (KafkaProducer<byte[], byte[]> producer =
        SpanRecords.producer(servers.bootstrapServers())) {
      for (int n = from; n < to; n++) {
        int trace = n / SPANS_A_TRACE;
        int span = n % SPANS_A_TRACE;
        random.nextBytes(noise);
        String record =
            """
            {"organization_id":1,"project_id":1,"trace_id":"%032x","span_id":"%s","parent_span_id":%s,\
            "end_timestamp":1.5,"n":%d,"noise":"%s"}"""
                .formatted(
                    trace + 1,
                    Hex.id(id(trace, span)),
                    span == 0 ? "null" : "\"" + Hex.id(id(trace, 0)) + "\"",
                    n,
                    Base64.getEncoder().encodeToString(noise));
        long time = start + (long) n * RECORD_TIME / SPANS;
        producer.send(
            new ProducerRecord<>(
                topic, trace % Servers.PARTITIONS, time, null, record.getBytes(UTF_8)));
      }
      producer.flush();
    }
  }

  private static long id(int trace, int span) {
    return (long) trace * SPANS_A_TRACE + span + 1;
  }

  /** What a reader of committed records has seen. */
  private static final class Output implements AutoCloseable {

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final boolean[] seen = new boolean[SPANS];
    private final Map<String, Integer> messagesByReason = new TreeMap<>();
    private int spans;

    Output(String topic) {
      consumer =
          new KafkaConsumer<>(
              Map.of(
                  "bootstrap.servers",
                  servers.bootstrapServers(),
                  "isolation.level",
                  "read_committed",
                  "group.id",
                  topic),
              new ByteArrayDeserializer(),
              new ByteArrayDeserializer());
      List<TopicPartition> partitions =
          IntStream.range(0, SEGMENT_PARTITIONS)
              .mapToObj(partition -> new TopicPartition(topic, partition))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
    }

    /** Reads until all spans are there, each once and in its segment, unless the job fails. */
    void readAll(CompletableFuture<JobExecutionResult> end) throws Exception {
      readUntil(() -> spans == SPANS, end);
    }

    void readUntil(BooleanSupplier enough, CompletableFuture<JobExecutionResult> end)
        throws Exception {
      long begin = System.nanoTime();
      while (!enough.getAsBoolean()) {
        for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofMillis(100))) {
          check(message);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .as("time for %d of %d spans, by reason %s", spans, SPANS, messagesByReason)
            .isLessThan(PATIENCE);
        if (end.isCompletedExceptionally()) {
          end.get();
        }
      }
    }

    private void check(ConsumerRecord<byte[], byte[]> message) throws IOException {
      messagesByReason.merge(
          new String(message.headers().lastHeader("flush-reason").value(), UTF_8), 1, Integer::sum);
      for (JsonNode span : JSON.readTree(message.value()).get("spans")) {
        int n = span.get("n").intValue();
        String root = Hex.id(id(n / SPANS_A_TRACE, 0));
        String segment = span.get("attributes").get("sentry.segment.id").get("value").textValue();
        if (seen[n] || !segment.equals(root)) {
          throw new AssertionError(
              "span %d: seen before: %s, in segment %s of %s".formatted(n, seen[n], segment, root));
        }
        seen[n] = true;
        spans++;
      }
    }

    @Override
    public void close() {
      consumer.close();
    }
  }
}
