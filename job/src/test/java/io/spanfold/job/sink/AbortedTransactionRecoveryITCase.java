package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.sink.SegmentStrategy.Rebuild;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.KafkaUnderTest;
import io.spanfold.testing.ShortTransactions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Refused transactions on a real broker: for any status, and any number of tasks that recover them,
 * a reader of committed records sees each record once in the end.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class AbortedTransactionRecoveryITCase {

  private static final String EXPIRY = "3000";
  private static final long[] NUMBERS = LongStream.range(0, 30).toArray();

  private static KafkaUnderTest broker;
  private static Admin admin;
  private static int tests;

  private final ExecutorService committers = Executors.newCachedThreadPool();
  private final List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
  private final String segments = "segments-" + ++tests;
  private final String outcomes = "outcomes-" + tests;
  private final String transaction = "transaction-" + tests;
  private final SegmentRecords records = new SegmentRecords(segments, outcomes);
  private KafkaSettings clients;
  private Map<TopicPartition, Long> since;

  @BeforeAll
  static void startBroker() {
    broker = KafkaUnderTest.start(ShortTransactions.BROKER);
    admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()));
  }

  @AfterAll
  static void stopBroker() {
    admin.close();
    broker.close();
  }

  @BeforeEach
  void createTopics() throws Exception {
    broker.createTopic(segments, 2);
    broker.createTopic(outcomes, 1);
    clients = new KafkaSettings(broker.bootstrapServers(), Map.of());
    // A search that starts at the beginning of the topics finds these.
    commit("earlier", 7, 9);
    since = ends();
  }

  @AfterEach
  void closeProducers() {
    producers.forEach(KafkaProducer::close);
    committers.shutdownNow();
  }

  @Test
  void emitsNothingAgainIfTheTransactionIsCommitted() throws Exception {
    KafkaCommittable committed = commit(transaction, NUMBERS);

    assertThat(recover(committed, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  /** A restored producer raises the epoch right after its commit. */
  @Test
  void findsCommittedRecordsIfTheEpochHasGrown() throws Exception {
    KafkaCommittable committed = commit(transaction, NUMBERS);
    takeOver(transaction);

    assertThat(recover(committed, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void emitsTheItemsOfAnExpiredTransactionAgain() throws Exception {
    clients =
        new KafkaSettings(broker.bootstrapServers(), Map.of("transaction.timeout.ms", EXPIRY));
    KafkaCommittable expired = open(transaction, NUMBERS);
    awaitState(transaction, TransactionState.COMPLETE_ABORT);

    assertThat(recover(expired, NUMBERS, new TestParts.Again())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void doesNothingWhileTheTransactionIsOpen() throws Exception {
    KafkaCommittable open = open(transaction, NUMBERS);

    assertThat(recover(open, NUMBERS, new Untouched())).isFalse();
  }

  @Test
  void emitsOnlyMissingPartsIfTheBrokerHasForgottenTheTransaction() throws Exception {
    KafkaCommittable forgotten = new KafkaCommittable(1L << 40, (short) 0, transaction, null);
    long[] there = LongStream.of(NUMBERS).filter(number -> number % 3 != 1).toArray();
    long[] absent = LongStream.of(NUMBERS).filter(number -> number % 3 == 1).toArray();
    commit("other", there);
    List<Long> made = new ArrayList<>();

    assertThat(recover(forgotten, NUMBERS, new Recording(made))).isTrue();
    assertThat(made).containsExactlyElementsOf(LongStream.of(absent).boxed().toList());
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void ignoresRecordsFromBeforeTheTransaction() throws Exception {
    KafkaCommittable aborted = abort(7, 9);
    List<Long> made = new ArrayList<>();

    assertThat(recover(aborted, new long[] {7, 9}, new Recording(made))).isTrue();
    assertThat(made).containsExactly(7L, 9L);
  }

  @Test
  void findsItemsThatItHasEmittedAgainAlready() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);

    assertThat(recover(aborted, NUMBERS, new TestParts.Again())).isTrue();
    assertThat(recover(aborted, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void findsItemsThatItHasEmittedAgainIfTheBrokerHasForgottenThem() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);

    assertThat(recover(aborted, NUMBERS, new TestParts.Again())).isTrue();
    takeOver(AbortedTransactionRecovery.retryId(aborted));
    assertThat(recover(aborted, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void findsAPartThatWasEmittedAgainWithOtherMessagesAfterALoss() throws Exception {
    KafkaCommittable aborted = abort(2, 5);
    List<Long> made = new ArrayList<>();
    Rebuild losing =
        new TestParts.Again() {
          @Override
          public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) {
            for (Receipt receipt : receipts) {
              SegmentMessage other =
                  new SegmentMessage("0".repeat(32), "{\"flush_id\":\"0\"}".getBytes(UTF_8), 0, 1);
              Outcome lost = new Outcome(0, 1, 2, Outcome.Reason.PAYLOAD_LOST, 1);
              parts.accept(new FlushedPart(List.of(other), List.of(lost), receipt));
            }
          }
        };

    assertThat(recover(aborted, new long[] {2, 5}, losing)).isTrue();
    takeOver(AbortedTransactionRecovery.retryId(aborted));
    assertThat(recover(aborted, new long[] {2, 5}, new Recording(made))).isTrue();
    assertThat(made).isEmpty();
  }

  @Test
  void emitsAllOrNothingIfItFailsInTheMiddle() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);
    Rebuild failing =
        new TestParts.Again() {
          @Override
          public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts)
              throws IOException {
            super.rebuild(receipts.subList(0, 11), parts);
            throw new IOException("in the middle, on purpose");
          }
        };

    assertThatThrownBy(() -> recover(aborted, NUMBERS, failing)).hasMessageContaining("on purpose");
    assertThat(recover(aborted, NUMBERS, new TestParts.Again())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void onlyOneOfTwoTasksEmitsATransactionAgain() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);
    Blocked blocked = new Blocked();
    Future<Boolean> first = inBackground(() -> recover(aborted, NUMBERS, blocked));
    blocked.reached.await();

    assertThat(recover(aborted, NUMBERS, new TestParts.Again())).isTrue();
    blocked.resume.countDown();

    assertThatThrownBy(first::get)
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("could not be emitted again")
        .hasRootCauseInstanceOf(ApiException.class);
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void doesNotWaitForUnrelatedOpenTransactions() throws Exception {
    open("others", 100, 101, 102);

    // If it waited, it would throw after a minute.
    Future<Boolean> done = inBackground(() -> recover(forgotten(), NUMBERS, new TestParts.Again()));
    assertThat(done.get(30, TimeUnit.SECONDS)).isTrue();
    takeOver("others");
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void waitsForAnOpenTransactionThatPrecedesWantedRecords() throws Exception {
    open("others", 100);
    commit("earlier second try", NUMBERS);
    Future<Boolean> done = inBackground(() -> recover(forgotten(), NUMBERS, new Untouched()));

    assertThatThrownBy(() -> done.get(3, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
    takeOver("others");
    assertThat(done.get()).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  private KafkaCommittable forgotten() {
    return new KafkaCommittable(1L << 40, (short) 0, transaction, null);
  }

  private boolean recover(KafkaCommittable refused, long[] numbers, Rebuild rebuild)
      throws IOException, InterruptedException {
    UnregisteredMetricsGroup metrics = new UnregisteredMetricsGroup();
    SegmentStrategy strategy =
        new SegmentStrategy(
            records, 1 << 20, null, group -> rebuild, PendingCleanUps.Limits.DEFAULT);
    return new AbortedTransactionRecovery<>(clients, strategy, strategy.recovery(metrics), metrics)
        .recover(
            new TransactionCommittable<>(
                refused,
                since,
                TestParts.receipts(LongStream.of(numbers)),
                TestParts.nothingPending(),
                false),
            new IOException("refused, on purpose"));
  }

  private Future<Boolean> inBackground(Callable<Boolean> task) {
    return committers.submit(task);
  }

  /** Writes parts into a transaction that stays open. */
  private KafkaCommittable open(String id, long... numbers) throws Exception {
    KafkaProducer<byte[], byte[]> producer = TestProducers.transactional(clients, id);
    producers.add(producer);
    producer.initTransactions();
    producer.beginTransaction();
    for (long number : numbers) {
      records.of(TestParts.of(number)).forEach(producer::send);
    }
    producer.flush();
    return TestProducers.committable(admin, id);
  }

  private KafkaCommittable commit(String id, long... numbers) throws Exception {
    KafkaCommittable open = open(id, numbers);
    producers.get(producers.size() - 1).commitTransaction();
    return open;
  }

  private KafkaCommittable abort(long... numbers) throws Exception {
    KafkaCommittable open = open(transaction, numbers);
    takeOver(transaction);
    return open;
  }

  /** Aborts an open transaction of an id; then the broker no longer knows the former status. */
  private static void takeOver(String id) throws Exception {
    admin.fenceProducers(List.of(id)).all().get();
  }

  private static TransactionDescription describe(String id) throws Exception {
    return admin.describeTransactions(List.of(id)).description(id).get();
  }

  private static void awaitState(String id, TransactionState state) throws Exception {
    Await.until(() -> describe(id).state() == state);
  }

  private Map<TopicPartition, Long> ends() throws Exception {
    try (TopicEndOffsets ends =
        new TopicEndOffsets(KafkaClientProperties.common(clients), records.topics())) {
      return ends.beforeTransaction();
    }
  }

  /** All records of the parts are there once, next to those from before the test. */
  private void assertEachOnceMore(long... numbers) {
    List<String> expected = new ArrayList<>(TestParts.flushIds(7));
    int lostParts = 1;
    for (long number : numbers) {
      expected.addAll(TestParts.flushIds(number));
      lostParts += TestParts.lost(number) ? 1 : 0;
    }
    try (CommittedRecords committed = new CommittedRecords(broker.bootstrapServers(), segments);
        CommittedRecords lost = new CommittedRecords(broker.bootstrapServers(), outcomes)) {
      assertThat(committed.all().stream().map(records::id))
          .containsExactlyInAnyOrderElementsOf(expected);
      assertThat(lost.all()).hasSize(lostParts);
    }
  }

  /** Must not be asked. */
  private static final class Untouched extends TestParts.Again {
    @Override
    public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) throws IOException {
      throw new IOException("asked to make again parts that are committed: " + receipts.size());
    }
  }

  /** Records the parts that it made. */
  private static final class Recording extends TestParts.Again {
    private final List<Long> made;

    Recording(List<Long> made) {
      this.made = made;
    }

    @Override
    public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) throws IOException {
      receipts.forEach(receipt -> made.add(receipt.segmentId()));
      super.rebuild(receipts, parts);
    }
  }

  /** Waits after the first part. */
  private static final class Blocked extends TestParts.Again {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch resume = new CountDownLatch(1);

    @Override
    public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) throws IOException {
      super.rebuild(receipts.subList(0, 1), parts);
      reached.countDown();
      try {
        resume.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      super.rebuild(receipts.subList(1, receipts.size()), parts);
    }
  }
}
