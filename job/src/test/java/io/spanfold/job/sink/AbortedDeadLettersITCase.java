package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.KafkaUnderTest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Refused transactions of dead letters on a real broker. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class AbortedDeadLettersITCase {

  private static final int LETTERS = 20;

  private static KafkaUnderTest broker;
  private static Admin admin;
  private static int tests;

  private final String source = "source-" + ++tests;
  private final String dead = "dead-" + tests;
  private final String transaction = "dead-transaction-" + tests;
  private final Counter lost = new SimpleCounter();
  private final DeadLetterRecords records = new DeadLetterRecords(dead);
  private KafkaClients clients;

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
  void writeSource() throws Exception {
    broker.createTopic(source, 1);
    broker.createTopic(dead, 2);
    clients =
        KafkaClients.of(
            SpanfoldConfig.of(
                Configuration.fromMap(
                    Map.of(
                        "kafka.bootstrap.servers",
                        broker.bootstrapServers(),
                        "redis.uri",
                        "redis://unused"))),
            1 << 20);
    try (KafkaProducer<byte[], byte[]> producer = clients.producer("source of " + source)) {
      producer.initTransactions();
      producer.beginTransaction();
      for (int i = 0; i < LETTERS; i++) {
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(source, ("key " + i).getBytes(UTF_8), value(i));
        record.headers().add("from", ("producer " + i).getBytes(UTF_8));
        producer.send(record);
      }
      producer.commitTransaction();
    }
  }

  @Test
  void emitsNothingAgainOfWhatIsCommitted() throws Exception {
    assertThat(followUp(write(true))).isTrue();
    assertEachOnce(0);
  }

  @Test
  void emitsAgainOnceWhatWasAborted() throws Exception {
    KafkaCommittable aborted = write(false);

    assertThat(followUp(aborted)).isTrue();
    assertThat(followUp(aborted)).isTrue();
    assertEachOnce(0);
    assertThat(lost.getCount()).isZero();
  }

  @Test
  void findsWhatIsThereWhereTheBrokerCannotTell() throws Exception {
    KafkaCommittable committed = write(true);
    admin.fenceProducers(List.of(transaction)).all().get();

    assertThat(followUp(committed)).isTrue();
    assertEachOnce(0);
  }

  @Test
  void countsWhatTheSourceNoLongerHas() throws Exception {
    KafkaCommittable aborted = write(false);
    admin
        .deleteRecords(
            Map.of(new TopicPartition(source, 0), RecordsToDelete.beforeOffset(LETTERS / 2)))
        .all()
        .get();

    assertThat(followUp(aborted)).isTrue();
    assertEachOnce(LETTERS / 2);
    assertThat(lost.getCount()).isEqualTo(LETTERS / 2);
  }

  private boolean followUp(KafkaCommittable refused) throws Exception {
    UnregisteredMetricsGroup metrics =
        new UnregisteredMetricsGroup() {
          @Override
          public Counter counter(String name) {
            return name.equals("deadLettersLost") ? lost : super.counter(name);
          }
        };
    PayloadRecoverySettings settings =
        new PayloadRecoverySettings(
            broker.bootstrapServers(), Map.of(), source, Duration.ofSeconds(30));
    try (AbortedTransactionRecovery<DeadLetter> commits =
        new AbortedTransactionRecovery<>(
            clients, new DeadLetterContents(records, settings, metrics), metrics)) {
      return commits.followUp(
          refused,
          Map.of(),
          IntStream.range(0, LETTERS).mapToObj(this::letter).map(DeadLetterSink::listed).toList(),
          new IOException("refused, on purpose"));
    }
  }

  /** Writes all letters in one transaction, which ends as asked for. */
  private KafkaCommittable write(boolean commit) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = clients.producer(transaction)) {
      producer.initTransactions();
      producer.beginTransaction();
      for (int i = 0; i < LETTERS; i++) {
        producer.send(records.of(letter(i)));
      }
      producer.flush();
      TransactionDescription now =
          admin.describeTransactions(List.of(transaction)).description(transaction).get();
      if (commit) {
        producer.commitTransaction();
      } else {
        producer.abortTransaction();
      }
      return new KafkaCommittable(now.producerId(), (short) now.producerEpoch(), transaction, null);
    }
  }

  private DeadLetter letter(int i) {
    return new DeadLetter(
        ("key " + i).getBytes(UTF_8),
        value(i),
        List.of(new DeadLetter.Header("from", ("producer " + i).getBytes(UTF_8))),
        "malformed-json",
        source,
        0,
        i,
        "no brace " + i);
  }

  private static byte[] value(int i) {
    return ("bad " + i).getBytes(UTF_8);
  }

  /** The letters from {@code first} on are there once, whole. */
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
                              + header(record.headers().lastHeader("from").value())
                              + '|'
                              + header(record.headers().lastHeader("spanfold-reason").value())
                              + '|'
                              + header(record.headers().lastHeader("spanfold-error").value())
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
  }

  private static String header(byte[] value) {
    return new String(value, UTF_8);
  }
}
