package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Bad records as large as their topic allows, through the whole job on real servers. */
class LargeDeadLetterITCase {

  private static final String NAME = "large";
  private static final int LIMIT = 1_048_588;

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @Test
  @Timeout(120)
  void aBadRecordAtTheTopicsLimitIsADeadLetterAndTheJobContinues() throws Exception {
    servers.createTopic(NAME, 1);
    servers.createTopic(NAME + "-segments", 1);
    servers.createTopic(NAME + "-dead", 1);
    limit(NAME, NAME + "-dead");
    byte[] key = noise(200);
    Span good = Spans.root(new TraceKey(7, 1, 2), 3, 1_000, 4);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers.bootstrapServers(), "max.request.size", 2_000_000),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer.send(record(key, noise(1_000), noise(100))).get();
      producer.send(record(key, noise(LIMIT - 400), noise(100))).get();
      producer.send(record(noise(LIMIT - 400), noise(100), noise(200))).get();
      producer.send(record(key, noise(100), noise(LIMIT - 400))).get();
      producer.send(record(noise(500_000), noise(48_400), noise(500_000))).get();
      producer.send(new ProducerRecord<>(NAME, SpanRecords.json(good).getBytes(UTF_8))).get();
    }

    run();

    try (CommittedRecords segments =
            new CommittedRecords(servers.bootstrapServers(), NAME + "-segments");
        CommittedRecords dead = new CommittedRecords(servers.bootstrapServers(), NAME + "-dead")) {
      assertThat(segments.all()).hasSize(1);
      Map<String, ConsumerRecord<byte[], byte[]>> byOffset =
          dead.all().stream()
              .collect(
                  Collectors.toMap(
                      letter -> header(letter, "spanfold-offset"), Function.identity()));
      assertThat(byOffset.keySet()).containsExactlyInAnyOrder("0", "1", "2", "3", "4");
      assertThat(byOffset.values())
          .allSatisfy(
              letter -> {
                assertThat(header(letter, "spanfold-topic")).isEqualTo(NAME);
                assertThat(header(letter, "spanfold-partition")).isEqualTo("0");
                assertThat(header(letter, "spanfold-reason")).isNotEmpty();
              });
      assertThat(byOffset.get("0").headers().lastHeader("spanfold-truncated")).isNull();
      assertThat(byOffset.get("0").value()).hasSize(1_000);
      assertTruncated(byOffset.get("1"), "value", 200, -1, 100);
      assertTruncated(byOffset.get("2"), "key", -1, 100, 200);
      assertTruncated(byOffset.get("3"), "headers", 200, 100, -1);
      assertThat(header(byOffset.get("4"), "spanfold-truncated")).isIn("key", "headers");
    }
  }

  /** Checks what a letter has; -1 stands for a missing piece. */
  private static void assertTruncated(
      ConsumerRecord<byte[], byte[]> letter, String missing, int key, int value, int header) {
    assertThat(header(letter, "spanfold-truncated")).isEqualTo(missing);
    assertThat(letter.key() == null ? -1 : letter.key().length).isEqualTo(key);
    assertThat(letter.value() == null ? -1 : letter.value().length).isEqualTo(value);
    var own = letter.headers().lastHeader("own");
    assertThat(own == null ? -1 : own.value().length).isEqualTo(header);
  }

  private static ProducerRecord<byte[], byte[]> record(byte[] key, byte[] value, byte[] header) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(NAME, key, value);
    record.headers().add("own", header);
    return record;
  }

  private static byte[] noise(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static void limit(String... topics) throws Exception {
    AlterConfigOp set =
        new AlterConfigOp(
            new ConfigEntry("max.message.bytes", Integer.toString(LIMIT)),
            AlterConfigOp.OpType.SET);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers.bootstrapServers()))) {
      admin
          .incrementalAlterConfigs(
              Arrays.stream(topics)
                  .collect(
                      Collectors.toMap(
                          topic -> new ConfigResource(ConfigResource.Type.TOPIC, topic),
                          topic -> List.of(set))))
          .all()
          .get();
    }
  }

  /** Runs the job to its end without restarts, so any failure fails the test. */
  private static void run() throws Exception {
    Configuration flink = new Configuration();
    flink.setString("restart-strategy.type", "none");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, flink);
    env.enableCheckpointing(500);
    Configuration options = servers.options(NAME);
    options.setString("source.bounded", "true");
    options.setString("dead-letter.topic", NAME + "-dead");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    env.execute(NAME);
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }
}
