package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.testing.KafkaUnderTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the limit says of a record, and what a real broker does with it. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class RecordSizeLimitITCase {

  private static final int LIMIT = 200_000;

  private static KafkaUnderTest broker;
  private static Admin admin;
  private static int tests;

  private final String topic = "limited-" + ++tests;

  @BeforeAll
  static void startBroker() {
    broker = KafkaUnderTest.start();
    admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()));
  }

  @AfterAll
  static void stopBroker() {
    admin.close();
    broker.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "gzip", "snappy", "lz4", "zstd"})
  void isExactForEveryCompression(String compression) throws Exception {
    createTopic(Map.of());
    KafkaSettings clients = clients(Map.of("compression.type", compression));
    RecordSizeLimit limit = new RecordSizeLimit(clients, topic, LIMIT);

    assertThat(accepted(clients, limit, noise())).as("of records around the limit").isBetween(1, 9);
    assertThat(limit.accepts(record(new byte[2 * LIMIT])))
        .as("twice the limit, of zeros")
        .isEqualTo(!compression.equals("none"))
        .isEqualTo(sent(clients, record(new byte[2 * LIMIT])));
  }

  @ParameterizedTest
  @ValueSource(strings = {"uncompressed", "gzip"})
  void neverAcceptsWhatABrokerRefusesThatCompressesItsOwnWay(String ofTopic) throws Exception {
    createTopic(Map.of("compression.type", ofTopic));
    KafkaSettings clients = clients(Map.of());
    RecordSizeLimit limit = new RecordSizeLimit(clients, topic, LIMIT);

    for (ProducerRecord<byte[], byte[]> record : noise()) {
      assertThat(limit.accepts(record) && !sent(clients, record)).isFalse();
    }
    assertThat(limit.accepts(record(new byte[2 * LIMIT]))).isFalse();
    assertThat(limit.accepts(record(new byte[LIMIT / 2]))).isTrue();
  }

  @Test
  void countsTheProducersOwnLimitsBeforeCompression() {
    RecordSizeLimit limit =
        new RecordSizeLimit(clients(Map.of("buffer.memory", "1000000")), topic, 100_000);

    // The client's limits are at least 1 MiB and 32 MiB by default; the job raises, never lowers.
    assertThat(limit.accepts(record(new byte[1_100_000]))).isFalse();
  }

  @Test
  void asksForTheLimitOnlyIfARecordIsLarge() {
    KafkaSettings nobody = new KafkaSettings("localhost:1", Map.of());

    assertThat(new RecordSizeLimit(nobody, topic, LIMIT).accepts(record(new byte[64_000])))
        .isTrue();
  }

  /** So a letter has to be known to fit before it is sent. */
  @Test
  void aRefusedRecordDoomsItsTransaction() throws Exception {
    createTopic(Map.of());
    try (KafkaProducer<byte[], byte[]> producer =
        TestProducers.transactional(clients(Map.of("compression.type", "none")), topic)) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(record(new byte[10])).get();
      assertThatThrownBy(() -> producer.send(record(new byte[LIMIT + 1])).get())
          .hasCauseInstanceOf(RecordTooLargeException.class);

      // The producer tells the sender of the record first, and notes it for itself a moment later.
      Await.until(() -> !accepts(producer));
      assertThatThrownBy(producer::commitTransaction).isInstanceOf(KafkaException.class);
      producer.abortTransaction();
    }
  }

  private boolean accepts(KafkaProducer<byte[], byte[]> producer) {
    try {
      producer.send(record(new byte[10]));
      return true;
    } catch (KafkaException e) {
      return false;
    }
  }

  private void createTopic(Map<String, String> configuration) throws Exception {
    broker.createTopic(topic, 1);
    List<AlterConfigOp> operations = new ArrayList<>();
    configuration.forEach((name, value) -> operations.add(set(name, value)));
    operations.add(set("max.message.bytes", Integer.toString(LIMIT)));
    admin
        .incrementalAlterConfigs(
            Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), operations))
        .all()
        .get();
    // The broker applies it a moment later.
    KafkaSettings plain = clients(Map.of("compression.type", "none"));
    Await.until(() -> !sent(plain, record(new byte[LIMIT + 1])));
  }

  private static AlterConfigOp set(String name, String value) {
    return new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
  }

  /** Returns how many of {@code records} are accepted, which limit and broker agree about. */
  private static int accepted(
      KafkaSettings clients, RecordSizeLimit limit, List<ProducerRecord<byte[], byte[]>> records)
      throws Exception {
    int accepted = 0;
    for (ProducerRecord<byte[], byte[]> record : records) {
      boolean expected = limit.accepts(record);
      assertThat(sent(clients, record)).as("%d bytes", record.value().length).isEqualTo(expected);
      accepted += expected ? 1 : 0;
    }
    return accepted;
  }

  /** Ten records that cannot be compressed, below and above the limit. */
  private List<ProducerRecord<byte[], byte[]>> noise() {
    Random random = new Random(tests);
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      byte[] value = new byte[LIMIT - 400 + 50 * i + random.nextInt(50)];
      random.nextBytes(value);
      ProducerRecord<byte[], byte[]> record = record(value);
      record.headers().add("name", "some".getBytes(UTF_8));
      records.add(record);
    }
    return records;
  }

  private ProducerRecord<byte[], byte[]> record(byte[] value) {
    return new ProducerRecord<>(topic, "key".getBytes(UTF_8), value);
  }

  private static KafkaSettings clients(Map<String, String> properties) {
    return new KafkaSettings(broker.bootstrapServers(), properties);
  }

  /** Sends a record; returns whether it was accepted. */
  private static boolean sent(KafkaSettings clients, ProducerRecord<byte[], byte[]> record)
      throws InterruptedException {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            KafkaClientProperties.producer(clients, LIMIT),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer.send(record).get();
      return true;
    } catch (ExecutionException e) {
      assertThat(e).hasCauseInstanceOf(RecordTooLargeException.class);
      return false;
    }
  }
}
