package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Outcome.Reason;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.sink.RecoveryStrategy.Layout;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.KafkaUnderTest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Refused transactions of dead letters and outcomes on a real broker. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class AbortedRejectsITCase {

  private static final int LETTERS = 20;
  private static final int OUTCOMES = 5;

  /** What the topic of dead letters accepts in a test, in bytes. */
  private static final int LIMIT = 100_000;

  private static KafkaUnderTest broker;
  private static Admin admin;
  private static int tests;

  private final String source = "source-" + ++tests;
  private final String dead = "dead-" + tests;
  private final String outcomes = "outcomes-" + tests;
  private final String transaction = "rejects-transaction-" + tests;
  private final CountingMetrics metrics = new CountingMetrics();
  private KafkaSettings clients;
  private RejectStrategy strategy;

  /** The items in the committable. */
  private final List<Reject> listed = new ArrayList<>();

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

  @BeforeEach
  void writeSource() {
    broker.createTopic(source, 1);
    broker.createTopic(dead, 2);
    broker.createTopic(outcomes, 1);
    clients = new KafkaSettings(broker.bootstrapServers(), Map.of());
    strategy =
        new RejectStrategy(
            dead,
            outcomes,
            new PayloadRecoverySettings(
                new KafkaSettings(broker.bootstrapServers(), Map.of()),
                source,
                Duration.ofSeconds(30)),
            100);
    try (KafkaProducer<byte[], byte[]> producer =
        TestProducers.transactional(clients, "source of " + source)) {
      producer.initTransactions();
      producer.beginTransaction();
      for (int i = 0; i < LETTERS; i++) {
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(source, ("key " + i).getBytes(UTF_8), value(i));
        record.headers().add("from", ("producer " + i).getBytes(UTF_8));
        // Must not be taken for the header of one of our outcomes.
        record.headers().add("outcome_id", outcome(0).id().getBytes(UTF_8));
        producer.send(record);
      }
      producer.commitTransaction();
    }
  }

  @Test
  void emitsNothingAgainIfTheTransactionIsCommitted() throws Exception {
    assertThat(recover(write(true))).isTrue();
    assertEachOnce(0);
  }

  @Test
  void emitsAbortedItemsAgainOnce() throws Exception {
    KafkaCommittable aborted = write(false);

    assertThat(recover(aborted)).isTrue();
    assertThat(recover(aborted)).isTrue();
    assertEachOnce(0);
    assertThat(metrics.count("deadLettersLost")).isZero();
    assertThat(metrics.count("refusedEmittedAgain")).isEqualTo(LETTERS + OUTCOMES);
  }

  @Test
  void findsCommittedRecordsIfTheBrokerHasForgottenTheTransaction() throws Exception {
    KafkaCommittable committed = write(true);
    admin.fenceProducers(List.of(transaction)).all().get();

    assertThat(recover(committed)).isTrue();
    assertEachOnce(0);
    assertThat(metrics.count("refusedFound")).isEqualTo(LETTERS + OUTCOMES);
  }

  @Test
  void countsLettersWhoseSourceRecordsNoLongerExist() throws Exception {
    KafkaCommittable aborted = write(false);
    admin
        .deleteRecords(
            Map.of(new TopicPartition(source, 0), RecordsToDelete.beforeOffset(LETTERS / 2)))
        .all()
        .get();

    assertThat(recover(aborted)).isTrue();
    assertEachOnce(LETTERS / 2);
    assertThat(metrics.count("deadLettersLost")).isEqualTo(LETTERS / 2);
  }

  @Test
  void emitsALetterAgainWithoutAValueThatNoLongerFits() throws Exception {
    byte[] large = new byte[LIMIT];
    new Random(1).nextBytes(large);
    long offset;
    try (KafkaProducer<byte[], byte[]> producer =
        TestProducers.transactional(clients, "large source of " + source)) {
      producer.initTransactions();
      producer.beginTransaction();
      offset = producer.send(new ProducerRecord<>(source, large)).get().offset();
      producer.commitTransaction();
    }
    KafkaCommittable aborted = write(false);
    listed.add(
        new DeadLetter(
            null, null, List.of(), "too-large", source, new SourcePosition(0, offset, 0), "large"));
    limitDeadLetters();

    assertThat(recover(aborted)).isTrue();
    try (CommittedRecords committed = new CommittedRecords(broker.bootstrapServers(), dead)) {
      assertThat(committed.all())
          .hasSize(LETTERS + 1)
          .filteredOn(record -> record.headers().lastHeader("spanfold-truncated") != null)
          .singleElement()
          .satisfies(
              letter -> {
                assertThat(letter.value()).isNull();
                assertThat(text(letter.headers().lastHeader("spanfold-offset")))
                    .isEqualTo(Long.toString(offset));
              });
    }
  }

  private void limitDeadLetters() throws Exception {
    ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, dead);
    String limit = Integer.toString(LIMIT);
    AlterConfigOp set =
        new AlterConfigOp(new ConfigEntry("max.message.bytes", limit), AlterConfigOp.OpType.SET);
    admin.incrementalAlterConfigs(Map.of(topic, List.of(set))).all().get();
    Await.until(
        () ->
            admin
                .describeConfigs(List.of(topic))
                .values()
                .get(topic)
                .get()
                .get("max.message.bytes")
                .value()
                .equals(limit));
  }

  private boolean recover(KafkaCommittable refused) throws Exception {
    return new AbortedTransactionRecovery<>(clients, strategy, strategy.recovery(metrics), metrics)
        .recover(
            new TransactionCommittable<>(
                refused,
                Map.of(),
                EncodedItems.of(StateType.REJECT, listed),
                TestParts.nothingPending(),
                false),
            new IOException("refused, on purpose"));
  }

  /** Writes all letters and outcomes in one transaction, and commits or aborts it. */
  private KafkaCommittable write(boolean commit) throws Exception {
    Layout<Reject, Reject> layout = strategy.layout(metrics);
    try (KafkaProducer<byte[], byte[]> producer =
        TestProducers.transactional(clients, transaction)) {
      producer.initTransactions();
      producer.beginTransaction();
      for (Reject reject : rejects()) {
        layout.records(reject).forEach(producer::send);
        listed.add(layout.item(reject, listed.size()));
      }
      producer.flush();
      KafkaCommittable committable = TestProducers.committable(admin, transaction);
      if (commit) {
        producer.commitTransaction();
      } else {
        producer.abortTransaction();
      }
      return committable;
    }
  }

  private List<Reject> rejects() {
    List<Reject> rejects = new ArrayList<>();
    IntStream.range(0, LETTERS).mapToObj(this::letter).forEach(rejects::add);
    IntStream.range(0, OUTCOMES).mapToObj(AbortedRejectsITCase::outcome).forEach(rejects::add);
    return rejects;
  }

  private DeadLetter letter(int i) {
    return new DeadLetter(
        ("key " + i).getBytes(UTF_8),
        value(i),
        List.of(
            new DeadLetter.Header("from", ("producer " + i).getBytes(UTF_8)),
            new DeadLetter.Header("outcome_id", outcome(0).id().getBytes(UTF_8))),
        "malformed-json",
        source,
        new SourcePosition(0, i, 0),
        "no brace " + i);
  }

  private static TalliedOutcome outcome(int i) {
    return new TalliedOutcome("%032x".formatted(i + 1), new Outcome(0, 1, i, Reason.DROPPED, 9));
  }

  private static byte[] value(int i) {
    return ("bad " + i).getBytes(UTF_8);
  }

  /** The letters from {@code first} on, and all outcomes, are there once and complete. */
  private void assertEachOnce(int first) {
    try (CommittedRecords committed = new CommittedRecords(broker.bootstrapServers(), dead)) {
      assertThat(
              committed.all().stream()
                  .map(
                      record ->
                          new String(record.key(), UTF_8)
                              + '|'
                              + new String(record.value(), UTF_8)
                              + '|'
                              + text(record.headers().lastHeader("from"))
                              + '|'
                              + text(record.headers().lastHeader("spanfold-reason"))
                              + '|'
                              + text(record.headers().lastHeader("spanfold-error"))
                              + '|'
                              + DeadLetterRecords.id(record)))
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(first, LETTERS)
                  .mapToObj(
                      i ->
                          "key %d|bad %d|producer %d|malformed-json|no brace %d|%s 0 %d"
                              .formatted(i, i, i, i, source, i))
                  .toList());
    }
    try (CommittedRecords committed = new CommittedRecords(broker.bootstrapServers(), outcomes)) {
      assertThat(committed.all())
          .extracting(
              record -> new String(record.key(), UTF_8),
              record -> text(record.headers().lastHeader("outcome_id")))
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(0, OUTCOMES).mapToObj(i -> tuple("" + i, outcome(i).id())).toList());
    }
  }

  private static String text(Header header) {
    return new String(header.value(), UTF_8);
  }
}
