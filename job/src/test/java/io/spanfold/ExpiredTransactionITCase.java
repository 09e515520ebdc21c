package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.ShortTransactions;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The whole job on real servers, stopped between a checkpoint and its commit for so long that the
 * broker aborts the transactions in it: of segments, and of dead letters and outcomes.
 */
class ExpiredTransactionITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private static final int TRACES = 300;
  private static final int BAD_RECORDS = 40;
  private static final int DROPPED_SPANS = 30;
  private static final long DROPPED_PROJECT = 99;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration NEVER = Duration.ofHours(1);
  private static final Duration EXPIRY = Duration.ofSeconds(20);

  @TempDir static Path directory;

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers(ShortTransactions.BROKER);
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  /** Redis may be wiped in between: then the job reads all payloads again from Kafka. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @Timeout(180)
  void commitsEveryRecordOnceIfTheTransactionsOfTheCheckpointExpire(boolean wiped)
      throws Exception {
    String name = "expired-" + wiped;
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    servers.createTopic(name + "-dead", 1);
    servers.createTopic(name + "-outcomes", 1);
    sendRejects(name);
    List<Span> spans = traces(new Random(wiped ? 1 : 2));
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));

    JobClient job = submit(name, NEVER, null);
    Await.until(
        () -> servers.storedSpans() >= spans.size() && written(name) >= expected.size() / 3);
    String savepoint =
        job.triggerSavepoint(directory.toUri().toString(), SavepointFormatType.CANONICAL).get();
    job.cancel().get();
    job.getJobExecutionResult().handle((result, cancelled) -> "ended").get();
    Await.until(() -> servers.openTransactions().isEmpty());
    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      assertThat(committed.all()).as("committed before it is restored").isEmpty();
      assertThat(committed(name + "-dead")).isEmpty();
      if (wiped) {
        servers.wipeRedis();
      }
      job = submit(name, Duration.ofMillis(300), savepoint);
      assertThat(committed.readUntil(seen -> seen.size() >= expected.size() / 3)).isTrue();
      drain(job);

      assertThat(SegmentParts.differences(expected, SegmentParts.committed(committed.all())))
          .isEmpty();
    }
    assertThat(committed(name + "-dead"))
        .extracting(record -> new String(record.value(), UTF_8))
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, BAD_RECORDS).mapToObj(i -> "bad " + i).toList());
    assertThat(committed(name + "-outcomes"))
        .extracting(record -> JSON.readTree(record.value()).get("quantity").asInt())
        .satisfies(
            quantities ->
                assertThat(quantities.stream().mapToInt(i -> i).sum()).isEqualTo(DROPPED_SPANS));
    assertThat(servers.redisKeys()).as("not cleaned up").isEmpty();
  }

  private static JobClient submit(String name, Duration checkpoints, String savepoint)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpoints);
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
    SpanfoldJob.build(env, ShortTransactions.in(SpanfoldConfig.of(options(name)), EXPIRY), 500_000);
    return env.executeAsync(name);
  }

  /** Tries until all tasks run: one may still be recovering. */
  private static void drain(JobClient job) throws Exception {
    while (true) {
      try {
        job.stopWithSavepoint(true, directory.toUri().toString(), SavepointFormatType.CANONICAL)
            .get();
        return;
      } catch (ExecutionException e) {
        assertThat(e).hasMessageContaining("Not all required tasks are currently running");
      }
    }
  }

  /** Sends bad records, and spans of a project that is dropped. */
  private static void sendRejects(String topic) {
    List<Span> dropped = new ArrayList<>();
    TraceKey trace = new TraceKey(DROPPED_PROJECT, 1, 2);
    for (int i = 0; i < DROPPED_SPANS; i++) {
      dropped.add(Spans.root(trace, 1 + i, RandomTraces.START, i));
    }
    SpanRecords.send(servers.bootstrapServers(), topic, Servers.PARTITIONS, dropped);
    try (KafkaProducer<byte[], byte[]> producer =
        SpanRecords.producer(servers.bootstrapServers())) {
      for (int i = 0; i < BAD_RECORDS; i++) {
        producer.send(new ProducerRecord<>(topic, ("bad " + i).getBytes(UTF_8)));
      }
      producer.flush();
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> committed(String topic) {
    try (CommittedRecords records = new CommittedRecords(servers.bootstrapServers(), topic)) {
      return records.all();
    }
  }

  /** The number of records in the segments topic, committed or not. */
  private static long written(String name) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, servers.bootstrapServers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          List.of(
              new TopicPartition(name + "-segments", 0), new TopicPartition(name + "-segments", 1));
      return consumer.endOffsets(partitions).values().stream().mapToLong(Long::longValue).sum();
    }
  }

  private static Configuration options(String name) {
    Configuration options = servers.options(name);
    options.setString("dead-letter.topic", name + "-dead");
    options.setString("outcomes.topic", name + "-outcomes");
    options.setString("ingest.drop", Long.toString(DROPPED_PROJECT));
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    return options;
  }

  private static List<Span> traces(Random random) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < TRACES; i++) {
      TraceKey trace = new TraceKey(random.nextInt(5), random.nextLong(), i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.values()[random.nextInt(3)], true));
    }
    spans.sort(Comparator.comparingLong(Span::timestamp));
    return spans;
  }
}
