package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import io.spanfold.job.config.SpanfoldConfig;
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
import org.apache.flink.configuration.Configuration;
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
 * Refused transactions on a real broker: whatever became of them, and whoever follows them up, each
 * record is there to be read once in the end.
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
  private SegmentRecords records;
  private KafkaClients clients;
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
    records = new SegmentRecords(segments, outcomes);
    clients = clients();
    // There before: whoever looks from the beginning on finds them.
    commit("earlier", 7, 9);
    since = ends();
  }

  @AfterEach
  void closeProducers() {
    producers.forEach(KafkaProducer::close);
    committers.shutdownNow();
  }

  @Test
  void emitsNothingAgainOfWhatIsCommitted() throws Exception {
    KafkaCommittable committed = commit(transaction, NUMBERS);

    assertThat(followUp(committed, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  /** As a producer that was restored does right after its commit. */
  @Test
  void findsWhatIsCommittedWhereTheEpochMovedOn() throws Exception {
    KafkaCommittable committed = commit(transaction, NUMBERS);
    takeOver(transaction);

    assertThat(followUp(committed, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void emitsAgainWhatExpired() throws Exception {
    clients.producer().setProperty("transaction.timeout.ms", EXPIRY);
    KafkaCommittable expired = open(transaction, NUMBERS);
    awaitState(transaction, TransactionState.COMPLETE_ABORT);

    assertThat(followUp(expired, NUMBERS, new TestParts.Again())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void leavesOpenWhatCanStillBeCommitted() throws Exception {
    KafkaCommittable open = open(transaction, NUMBERS);

    assertThat(followUp(open, NUMBERS, new Untouched())).isFalse();
  }

  @Test
  void emitsOnlyWhatIsAbsentWhereTheBrokerHasForgottenTheTransaction() throws Exception {
    KafkaCommittable forgotten = new KafkaCommittable(1L << 40, (short) 0, transaction, null);
    long[] there = LongStream.of(NUMBERS).filter(number -> number % 3 != 1).toArray();
    long[] absent = LongStream.of(NUMBERS).filter(number -> number % 3 == 1).toArray();
    commit("other", there);
    List<Long> made = new ArrayList<>();

    assertThat(followUp(forgotten, NUMBERS, new Recording(made))).isTrue();
    assertThat(made).containsExactlyElementsOf(LongStream.of(absent).boxed().toList());
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void doesNotTakeWhatWasThereBeforeForWhatIsMissing() throws Exception {
    KafkaCommittable aborted = abort(7, 9);
    List<Long> made = new ArrayList<>();

    assertThat(followUp(aborted, new long[] {7, 9}, new Recording(made))).isTrue();
    assertThat(made).containsExactly(7L, 9L);
  }

  @Test
  void findsWhatItEmittedBefore() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);

    assertThat(followUp(aborted, NUMBERS, new TestParts.Again())).isTrue();
    assertThat(followUp(aborted, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void findsWhatItEmittedBeforeWhereTheBrokerCannotTellAnyMore() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);

    assertThat(followUp(aborted, NUMBERS, new TestParts.Again())).isTrue();
    takeOver(AbortedTransactionRecovery.secondTry(aborted));
    assertThat(followUp(aborted, NUMBERS, new Untouched())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void findsAPartThatWasEmittedAgainWithOtherMessagesAsSomeOfItWasLost() throws Exception {
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

    assertThat(followUp(aborted, new long[] {2, 5}, losing)).isTrue();
    takeOver(AbortedTransactionRecovery.secondTry(aborted));
    assertThat(followUp(aborted, new long[] {2, 5}, new Recording(made))).isTrue();
    assertThat(made).isEmpty();
  }

  @Test
  void emitsAllOrNothingWhereItFailsInBetween() throws Exception {
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

    assertThatThrownBy(() -> followUp(aborted, NUMBERS, failing))
        .hasMessageContaining("on purpose");
    assertThat(followUp(aborted, NUMBERS, new TestParts.Again())).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void letsOneOfTwoWhoFollowUpTheSameEmitIt() throws Exception {
    KafkaCommittable aborted = abort(NUMBERS);
    Blocked blocked = new Blocked();
    Future<Boolean> first = inBackground(() -> followUp(aborted, NUMBERS, blocked));
    blocked.reached.await();

    assertThat(followUp(aborted, NUMBERS, new TestParts.Again())).isTrue();
    blocked.goOn.countDown();

    assertThatThrownBy(first::get)
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("could not be emitted again")
        .hasRootCauseInstanceOf(ApiException.class);
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void isNotHeldUpByOpenTransactionsThatAreNoneOfItsBusiness() throws Exception {
    open("others", 100, 101, 102);

    // Otherwise it would wait for a minute, and then throw.
    Future<Boolean> done =
        inBackground(() -> followUp(forgotten(), NUMBERS, new TestParts.Again()));
    assertThat(done.get(30, TimeUnit.SECONDS)).isTrue();
    takeOver("others");
    assertEachOnceMore(NUMBERS);
  }

  @Test
  void waitsWhereAnOpenTransactionHidesWhetherItIsThere() throws Exception {
    open("others", 100);
    commit("earlier second try", NUMBERS);
    Future<Boolean> done = inBackground(() -> followUp(forgotten(), NUMBERS, new Untouched()));

    assertThatThrownBy(() -> done.get(3, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
    takeOver("others");
    assertThat(done.get()).isTrue();
    assertEachOnceMore(NUMBERS);
  }

  private KafkaCommittable forgotten() {
    return new KafkaCommittable(1L << 40, (short) 0, transaction, null);
  }

  private boolean followUp(KafkaCommittable refused, long[] numbers, Rebuild rebuild)
      throws IOException, InterruptedException {
    UnregisteredMetricsGroup metrics = new UnregisteredMetricsGroup();
    return new AbortedTransactionRecovery<>(
            clients, new SegmentContents(records, group -> rebuild, metrics), metrics)
        .followUp(
            refused,
            since,
            LongStream.of(numbers).mapToObj(TestParts::receipt).toList(),
            new IOException("refused, on purpose"));
  }

  private Future<Boolean> inBackground(Callable<Boolean> task) {
    return committers.submit(task);
  }

  /** Writes parts into a transaction that stays open. */
  private KafkaCommittable open(String id, long... numbers) throws Exception {
    KafkaProducer<byte[], byte[]> producer = clients.producer(id);
    producers.add(producer);
    producer.initTransactions();
    producer.beginTransaction();
    for (long number : numbers) {
      records.of(TestParts.of(number)).forEach(producer::send);
    }
    producer.flush();
    TransactionDescription now = describe(id);
    return new KafkaCommittable(now.producerId(), (short) now.producerEpoch(), id, null);
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

  /** Aborts what is open under an id, after which the broker no longer tells what was before. */
  private static void takeOver(String id) throws Exception {
    admin.fenceProducers(List.of(id)).all().get();
  }

  private static TransactionDescription describe(String id) throws Exception {
    return admin.describeTransactions(List.of(id)).description(id).get();
  }

  private static void awaitState(String id, TransactionState state) throws Exception {
    while (describe(id).state() != state) {
      Thread.onSpinWait(); // the class's timeout ends it
    }
  }

  private Map<TopicPartition, Long> ends() throws Exception {
    try (TopicEndOffsets ends =
        new TopicEndOffsets(
            Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers())),
            records.topics())) {
      return ends.now();
    }
  }

  private KafkaClients clients() {
    Map<String, String> options =
        Map.of("kafka.bootstrap.servers", broker.bootstrapServers(), "redis.uri", "redis://unused");
    return KafkaClients.of(SpanfoldConfig.of(Configuration.fromMap(options)), 1 << 20);
  }

  /** All records of the parts are there once, beside what was there at first. */
  private void assertEachOnceMore(long... numbers) {
    List<String> expected = new ArrayList<>(TestParts.flushIds(7));
    int lost = 1;
    for (long number : numbers) {
      expected.addAll(TestParts.flushIds(number));
      lost += TestParts.lost(number) ? 1 : 0;
    }
    SegmentContents contents =
        new SegmentContents(records, group -> null, new UnregisteredMetricsGroup());
    try (CommittedRecords committed = new CommittedRecords(broker.bootstrapServers(), segments);
        CommittedRecords told = new CommittedRecords(broker.bootstrapServers(), outcomes)) {
      assertThat(committed.all().stream().map(contents::id))
          .containsExactlyInAnyOrderElementsOf(expected);
      assertThat(told.all()).hasSize(lost);
    }
  }

  /** Must not be asked. */
  private static final class Untouched extends TestParts.Again {
    @Override
    public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) throws IOException {
      throw new IOException("asked to make again what is there: " + receipts.size());
    }
  }

  /** Notes what it made. */
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
    private final CountDownLatch goOn = new CountDownLatch(1);

    @Override
    public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) throws IOException {
      super.rebuild(receipts.subList(0, 1), parts);
      reached.countDown();
      try {
        goOn.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      super.rebuild(receipts.subList(1, receipts.size()), parts);
    }
  }
}
