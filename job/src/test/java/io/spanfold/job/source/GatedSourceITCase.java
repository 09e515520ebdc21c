package io.spanfold.job.source;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.time.ClockSettings;
import io.spanfold.testing.KafkaUnderTest;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** The source in Flink, with a real Redis and Kafka. */
@Timeout(120)
class GatedSourceITCase {

  private static final String TOPIC = "records";
  private static final int PARTITIONS = 3;
  private static final int RECORDS = 1_000;

  /** Less memory than an empty Redis uses. */
  private static final long NO_ROOM = 500_000;

  /** Not reached in the attempt that is to fail. */
  private static final int ENOUGH = 3;

  private static final ClockSettings CLOCK =
      new ClockSettings(Duration.ofMinutes(1), Duration.ofMinutes(5), true);

  private static final AtomicInteger READ = new AtomicInteger();
  private static final AtomicInteger CHECKPOINTS = new AtomicInteger();
  private static final AtomicInteger FAILURES = new AtomicInteger();

  @TempDir Path directory;

  private RedisNode redis;
  private KafkaUnderTest kafka;

  @BeforeEach
  void start() {
    READ.set(0);
    CHECKPOINTS.set(0);
    FAILURES.set(0);
    redis = RedisNode.start(RedisNode.Options.in(directory).withMaxMemory(NO_ROOM));
    kafka = KafkaUnderTest.start();
    kafka.createTopic(TOPIC, PARTITIONS);
    send();
  }

  @AfterEach
  void stop() {
    kafka.close();
    redis.close();
  }

  @Test
  void readsNothingWhileRedisIsFullWhileCheckpointsContinueAndReadsAllAfterwards()
      throws Exception {
    JobClient job = submit();
    // The second attempt is restored; the end of a restored bounded source is a special case.
    Await.until(
        () -> {
          assertThat(job.getJobExecutionResult()).isNotDone();
          return FAILURES.get() > 0 && CHECKPOINTS.get() >= ENOUGH;
        });
    assertThat(READ).hasValue(0);
    try (Jedis node = redis.connect()) {
      node.configSet("maxmemory", "0");
    }
    job.getJobExecutionResult().get();
    assertThat(READ).hasValue(RECORDS);
  }

  private JobClient submit() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
    env.enableCheckpointing(100);
    Properties clients = new Properties();
    clients.setProperty("bootstrap.servers", kafka.bootstrapServers());
    ConnectionSettings connection = ConnectionSettings.of(List.of(redis.uri()));
    RedisGateSettings gate = RedisGateSettings.of(connection, 0.8);
    LeaseSettings lease = LeaseSettings.of(connection, "gated");
    env.fromSource(
            new GatedSource<>(GatedSourceITCase::source, TOPIC, clients, gate, lease, CLOCK, false),
            WatermarkStrategy.noWatermarks(),
            "Read")
        .map(new Probe())
        .sinkTo(new DiscardingSink<>());
    return env.executeAsync();
  }

  private static KafkaSource<String> source(Properties consumer) {
    return KafkaSource.<String>builder()
        .setProperties(consumer)
        .setTopics(TOPIC)
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setBounded(OffsetsInitializer.latest())
        .setValueOnlyDeserializer(new SimpleStringSchema())
        .build();
  }

  private void send() {
    try (KafkaProducer<byte[], byte[]> producer = SpanRecords.producer(kafka.bootstrapServers())) {
      for (int i = 0; i < RECORDS; i++) {
        producer.send(
            new ProducerRecord<>(TOPIC, i % PARTITIONS, null, Integer.toString(i).getBytes(UTF_8)));
      }
    }
  }

  /** Counts, and fails once after the first checkpoint. */
  private static final class Probe implements MapFunction<String, String>, CheckpointListener {

    private static final long serialVersionUID = 1L;

    @Override
    public String map(String record) {
      READ.incrementAndGet();
      return record;
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) {
      if (FAILURES.compareAndSet(0, 1)) {
        throw new IllegalStateException("fails on purpose");
      }
      CHECKPOINTS.incrementAndGet();
    }
  }
}
