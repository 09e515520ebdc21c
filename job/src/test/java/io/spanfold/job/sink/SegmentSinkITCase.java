package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.KafkaUnderTest;
import io.spanfold.testing.ShortTransactions;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Committer.CommitRequest;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The segments' sink in a real job with a real broker: the records that a reader sees as committed,
 * and the clean-ups. At each clean-up the records must be committed.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class SegmentSinkITCase {

  private static final long PARTS = 400;
  private static final int PARTS_A_CHECKPOINT = 40;

  @RegisterExtension
  static final MiniClusterExtension FLINK =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  /** Tries again soon, and ends soon while every clean-up fails. */
  private static final PendingCleanUps.Limits CLEAN_UP =
      new PendingCleanUps.Limits(
          1 << 20, Duration.ofMillis(50), Duration.ofSeconds(2), Duration.ofSeconds(2));

  private static final AtomicInteger TESTS = new AtomicInteger();

  // Tasks run in this JVM, and reach these through static fields only.
  private static final Queue<Receipt> CLEANED = new ConcurrentLinkedQueue<>();
  private static final Queue<String> TOO_EARLY = new ConcurrentLinkedQueue<>();
  private static final Set<Long> REFUSED = ConcurrentHashMap.newKeySet();
  private static final Map<Long, Optional<KafkaCommittable>> WRITTEN_IN = new ConcurrentHashMap<>();
  private static final Set<KafkaCommittable> ENDED = ConcurrentHashMap.newKeySet();
  private static final Semaphore HANGING = new Semaphore(0);
  private static final AtomicInteger CLEAN_UPS = new AtomicInteger();
  private static final AtomicInteger COMMITS = new AtomicInteger();
  private static final AtomicInteger SNAPSHOTS = new AtomicInteger();
  private static final AtomicInteger STARTS = new AtomicInteger();
  private static KafkaUnderTest broker;
  private static CommittedRecords segments;

  @TempDir static Path savepoints;

  private final int test = TESTS.incrementAndGet();
  private SpanfoldConfig config;

  @BeforeAll
  static void startBroker() {
    broker = KafkaUnderTest.start(ShortTransactions.BROKER);
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @BeforeEach
  void createTopics() {
    configure("exactly-once");
    broker.createTopic(config.sink().topic(), 2);
    broker.createTopic(config.sink().outcomesTopic(), 1);
    segments = new CommittedRecords(broker.bootstrapServers(), config.sink().topic());
    CLEANED.clear();
    TOO_EARLY.clear();
    REFUSED.clear();
    WRITTEN_IN.clear();
    ENDED.clear();
    List.of(CLEAN_UPS, COMMITS, SNAPSHOTS, STARTS).forEach(counter -> counter.set(0));
  }

  @AfterEach
  void stopReading() {
    segments.close();
  }

  private void configure(String guarantee) {
    config =
        SpanfoldConfig.of(
            Configuration.fromMap(
                Map.of(
                    "kafka.bootstrap.servers",
                    broker.bootstrapServers(),
                    "redis.uri",
                    "redis://unused",
                    "sink.topic",
                    "segments-" + test,
                    "outcomes.topic",
                    "outcomes-" + test,
                    "sink.transactional-id-prefix",
                    "test-" + test,
                    "sink.delivery-guarantee",
                    guarantee)));
  }

  @Test
  void commitsEachPartOnceAndCleansUpAfterTheCommit() throws Exception {
    run(2, new Recorder());

    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
    try (CommittedRecords outcomes =
        new CommittedRecords(broker.bootstrapServers(), config.sink().outcomesTopic())) {
      assertThat(outcomes.all().stream().map(record -> new String(record.value(), UTF_8)))
          .hasSize((int) numbers().stream().filter(TestParts::lost).count())
          .contains(
              "{\"timestamp\":\"1970-01-01T00:00:00.009Z\",\"org_id\":1,\"project_id\":9,"
                  + "\"outcome\":3,\"reason\":\"payload-lost\",\"category\":16,\"quantity\":1}");
    }
    ConsumerRecord<byte[], byte[]> chunk = record(TestParts.flushIds(2).get(1));
    assertThat(new String(chunk.key(), UTF_8)).isEqualTo(TestParts.receipt(2).trace().toString());
    assertThat(header(chunk, "flush-reason")).isEqualTo("full");
    assertThat(header(chunk, "part")).isEqualTo("0");
    assertThat(header(chunk, "chunk")).isEqualTo("1");
    assertThat(header(chunk, "chunks")).isEqualTo("3");
  }

  @Test
  void commitsOnceIfATaskFailsInTheMiddleOfACheckpoint() throws Exception {
    failingSnapshot = 6;
    run(2, new Recorder());

    assertThat(STARTS.get()).isGreaterThan(2);
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void commitsAfterARestartThatPrecededTheCommit() throws Exception {
    run(
        2,
        new Recorder(),
        requests -> {
          if (COMMITS.incrementAndGet() == 5) {
            throw new IOException("crash before the commit, on purpose");
          }
        },
        requests -> {});

    assertThat(STARTS.get()).isGreaterThan(2);
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void cleansUpAfterARestartThatFollowedTheCommit() throws Exception {
    Recorder hanging = new Recorder();
    hanging.hangAt = 4;
    run(
        1,
        hanging,
        requests -> {},
        requests -> {
          if (COMMITS.incrementAndGet() == 4) {
            HANGING.acquireUninterruptibly();
            throw new IOException("crash between commit and clean-up, on purpose");
          }
        });

    assertThat(STARTS.get()).isEqualTo(2);
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  /** Its transaction is in no later checkpoint. */
  @Test
  void cleansUpAfterARestartThatFollowedLaterCheckpoints() throws Exception {
    Recorder failing = new Recorder();
    failing.failFrom = 2;
    failing.failUntilStarts = 2;
    run(
        1,
        failing,
        requests -> {},
        requests -> {
          if (COMMITS.incrementAndGet() == 5) {
            throw new IOException(
                "crash while clean-ups of earlier commits are pending, on purpose");
          }
        });

    assertThat(STARTS.get()).isEqualTo(2);
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void triesAFailedCleanUpAgain() throws Exception {
    Recorder failing = new Recorder();
    failing.failFrom = 3;
    failing.failUntil = 5;
    run(1, failing);

    assertThat(STARTS.get()).isEqualTo(1);
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void keepsRunningWhileEveryCleanUpFails() throws Exception {
    Recorder failing = new Recorder();
    failing.failFrom = 1;
    failing.failUntil = Integer.MAX_VALUE;
    run(2, failing);

    assertThat(STARTS.get()).isEqualTo(2);
    assertEachSegmentOnce();
    assertThat(CLEANED).isEmpty();
    assertThat(CLEAN_UPS.get()).isGreaterThan(2);
  }

  @Test
  void commitsAllWhileACleanUpHangs() throws Exception {
    Recorder hanging = new Recorder();
    hanging.hangAt = 1;
    run(1, hanging);

    assertThat(STARTS.get()).isEqualTo(1);
    assertEachSegmentOnce();
    assertThat(CLEANED).isEmpty();
    assertThat(CLEAN_UPS.get()).isEqualTo(1);
  }

  @Test
  void failsForGoodIfAnotherJobHasTakenOver() {
    Recorder superseded = new Recorder();
    superseded.supersededAt = 2;
    assertThatThrownBy(() -> run(1, superseded)).hasStackTraceContaining("another job, on purpose");

    assertThat(STARTS.get()).as("starts").isEqualTo(1);
    assertThat(CLEAN_UPS.get()).isEqualTo(2);
  }

  @Test
  void emitsAgainIfTheBrokerAbortsATransaction() throws Exception {
    String servers = broker.bootstrapServers();
    run(
        1,
        new Recorder(),
        requests -> {
          if (COMMITS.incrementAndGet() == 4) {
            abort(servers, requests);
          }
        },
        requests -> {});

    assertThat(STARTS.get()).isEqualTo(1);
    assertThat(REFUSED).isNotEmpty();
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void emitsAgainIfATransactionExpires() throws Exception {
    config = ShortTransactions.in(config, Duration.ofSeconds(4));
    String servers = broker.bootstrapServers();
    run(
        2,
        new Recorder(),
        requests -> {
          if (COMMITS.incrementAndGet() == 4) {
            awaitExpiry(servers, requests);
          }
        },
        requests -> {});

    assertThat(REFUSED).isNotEmpty();
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void emitsAgainOnceIfItCrashesBeforeTheNextCheckpoint() throws Exception {
    String servers = broker.bootstrapServers();
    run(
        1,
        new Recorder(),
        requests -> {
          if (COMMITS.incrementAndGet() == 4) {
            abort(servers, requests);
          }
        },
        requests -> {
          if (COMMITS.get() == 4) {
            throw new IOException("crash after emitting again, on purpose");
          }
        });

    assertThat(STARTS.get()).isEqualTo(2);
    assertThat(REFUSED).isNotEmpty();
    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void commitsOnceAcrossStopsWithSavepointAndRescaling() throws Exception {
    String savepoint = null;
    for (int parallelism : List.of(2, 1)) {
      int before = CLEANED.size();
      JobClient job =
          start(
              environment(parallelism, savepoint),
              parallelism,
              new Recorder(),
              requests -> {},
              requests -> {});
      await(() -> CLEANED.size() >= before + 2 * PARTS_A_CHECKPOINT);
      savepoint =
          job.stopWithSavepoint(false, savepoints.toUri().toString(), SavepointFormatType.CANONICAL)
              .get();
      job.getJobExecutionResult().get();
      assertThat(CLEANED).hasSizeLessThan((int) PARTS);
    }
    start(environment(2, savepoint), 2, new Recorder(), requests -> {}, requests -> {})
        .getJobExecutionResult()
        .get();

    assertEachSegmentOnce();
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  @Test
  void losesNothingWithAtLeastOnce() throws Exception {
    configure("at-least-once");
    failingSnapshot = 6;
    run(2, new Recorder());

    assertThat(STARTS.get()).isGreaterThan(2);
    assertThat(TOO_EARLY).isEmpty();
    assertThat(new HashSet<>(committedFlushIds()))
        .isEqualTo(
            new HashSet<>(
                numbers().stream().flatMap(n -> TestParts.flushIds(n).stream()).toList()));
    assertThat(cleaned()).containsExactlyElementsOf(numbers());
  }

  private void run(int parallelism, Recorder cleanUp) throws Exception {
    run(parallelism, cleanUp, requests -> {}, requests -> {});
  }

  private void run(
      int parallelism, Recorder cleanUp, FaultySink.Fault before, FaultySink.Fault after)
      throws Exception {
    start(environment(parallelism, null), parallelism, cleanUp, before, after)
        .getJobExecutionResult()
        .get();
  }

  private static StreamExecutionEnvironment environment(int parallelism, String savepoint) {
    Configuration flink = new Configuration();
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(150));
    flink.set(PipelineOptions.GENERIC_TYPES, false);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 3);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
    if (savepoint != null) {
      flink.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(flink);
    environment.setParallelism(parallelism);
    return environment;
  }

  private JobClient start(
      StreamExecutionEnvironment environment,
      int parallelism,
      Recorder cleanUp,
      FaultySink.Fault before,
      FaultySink.Fault after)
      throws Exception {
    DataGeneratorSource<Long> source =
        new DataGeneratorSource<>(
            number -> number,
            PARTS,
            RateLimiterStrategy.perCheckpoint(PARTS_A_CHECKPOINT),
            Types.LONG);
    environment
        .fromSource(source, WatermarkStrategy.noWatermarks(), "numbers")
        .uid("numbers")
        .map(new MakePart())
        .returns(TestParts.TYPE)
        .uid("parts")
        .sinkTo(
            new FaultySink(
                new RecoverableKafkaSink<>(
                    config,
                    new SegmentStrategy(
                        new SegmentRecords(config.sink().topic(), config.sink().outcomesTopic()),
                        1 << 20,
                        metrics -> cleanUp,
                        metrics -> new TestParts.Again(),
                        CLEAN_UP)),
                requests -> {
                  note(requests);
                  before.accept(requests);
                },
                after))
        .uid("segments");
    return environment.executeAsync("sink at parallelism " + parallelism);
  }

  private static void assertEachSegmentOnce() {
    assertThat(TOO_EARLY).as("cleaned up before the commit").isEmpty();
    assertThat(committedFlushIds())
        .containsExactlyInAnyOrderElementsOf(
            numbers().stream().flatMap(number -> TestParts.flushIds(number).stream()).toList());
  }

  private static List<String> committedFlushIds() {
    return segments.all().stream().map(SegmentSinkITCase::flushId).toList();
  }

  private static List<Long> numbers() {
    return LongStream.range(0, PARTS).boxed().toList();
  }

  /** The parts that were cleaned up, once or more. */
  private static List<Long> cleaned() {
    return CLEANED.stream().map(Receipt::segmentId).distinct().sorted().toList();
  }

  private static ConsumerRecord<byte[], byte[]> record(String flushId) {
    return segments.all().stream()
        .filter(record -> flushId(record).equals(flushId))
        .findFirst()
        .orElseThrow();
  }

  private static String flushId(ConsumerRecord<byte[], byte[]> record) {
    return new String(record.value(), UTF_8).split("\"", -1)[3];
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    Await.until(
        () -> {
          segments.readUntil(seen -> true);
          return condition.getAsBoolean();
        });
  }

  /** Makes the broker abort the transactions, as if they had been open for too long. */
  private static void abort(
      String servers, Collection<CommitRequest<TransactionCommittable<Receipt>>> requests)
      throws IOException {
    try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers))) {
      admin.fenceProducers(refused(requests)).all().get();
    } catch (Exception e) {
      throw new IOException(e);
    }
  }

  /** Waits until the broker has aborted the transactions. */
  private static void awaitExpiry(
      String servers, Collection<CommitRequest<TransactionCommittable<Receipt>>> requests)
      throws IOException {
    List<String> transactions = refused(requests);
    try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers))) {
      Await.until(
          () ->
              admin.describeTransactions(transactions).all().get().values().stream()
                  .allMatch(transaction -> transaction.state() == TransactionState.COMPLETE_ABORT));
    } catch (Exception e) {
      throw new IOException(e);
    }
  }

  private static List<String> refused(
      Collection<CommitRequest<TransactionCommittable<Receipt>>> requests) {
    List<String> transactions = new ArrayList<>();
    for (CommitRequest<TransactionCommittable<Receipt>> request : requests) {
      transactions.add(request.getCommittable().transaction().getTransactionalId());
      request.getCommittable().items().forEach(receipt -> REFUSED.add(receipt.segmentId()));
    }
    return transactions;
  }

  private static volatile int failingSnapshot = -1;

  /** Makes the parts, and fails once while a checkpoint is being taken. */
  private static final class MakePart extends RichMapFunction<Long, FlushedPart>
      implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    @Override
    public FlushedPart map(Long number) {
      return TestParts.of(number);
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws IOException {
      if (SNAPSHOTS.incrementAndGet() == failingSnapshot) {
        failingSnapshot = -1;
        throw new IOException("failure in the middle of a checkpoint, on purpose");
      }
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      STARTS.incrementAndGet();
    }
  }

  /**
   * Asks the broker, as readers of committed records may wait for transactions that a failed
   * attempt left open and that are aborted only after the clean-up. A transaction that has ended
   * without a commit is found by the missing records at the end.
   */
  private static boolean isCommitted(Receipt receipt) throws IOException {
    Optional<KafkaCommittable> transaction = WRITTEN_IN.get(receipt.segmentId());
    if (transaction.isEmpty()) {
      Set<String> wanted = new HashSet<>(receipt.flushIds());
      return segments.readUntil(
          seen -> {
            seen.forEach(record -> wanted.remove(flushId(record)));
            return wanted.isEmpty();
          });
    }
    if (ENDED.contains(transaction.get())) {
      return true; // asked before
    }
    try (TransactionStatusClient client =
        new TransactionStatusClient(
            Admin.create(
                Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, broker.bootstrapServers())))) {
      if (client.status(transaction.get()) == TransactionStatusClient.Status.OPEN) {
        return false;
      }
      ENDED.add(transaction.get());
      return true;
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Notes which part is in which transaction, before the broker is asked to commit. */
  private static void note(Collection<CommitRequest<TransactionCommittable<Receipt>>> requests) {
    for (CommitRequest<TransactionCommittable<Receipt>> request : requests) {
      TransactionCommittable<Receipt> committable = request.getCommittable();
      for (Receipt receipt : committable.items()) {
        WRITTEN_IN.put(receipt.segmentId(), Optional.ofNullable(committable.transaction()));
      }
    }
  }

  /** Records the clean-ups, and checks that the records are committed. */
  private static final class Recorder implements SegmentStrategy.CleanUp, Serializable {
    private static final long serialVersionUID = 1L;

    private int hangAt = -1;
    private int supersededAt = -1;
    private int failFrom = Integer.MAX_VALUE;
    private int failUntil = -1;

    /** Until the task has started this often. */
    private int failUntilStarts;

    @Override
    public void cleanUp(List<Receipt> receipts) throws IOException, InterruptedException {
      int call = CLEAN_UPS.incrementAndGet();
      if (call == supersededAt) {
        throw new SuppressRestartsException(
            new IllegalStateException("the buffer is taken by another job, on purpose"));
      }
      if (call == hangAt) {
        HANGING.release();
        new Semaphore(0).acquire(); // until it is interrupted
      }
      if (call >= failFrom && (call < failUntil || STARTS.get() < failUntilStarts)) {
        throw new IOException("clean-up failure, on purpose");
      }
      for (Receipt receipt : receipts) {
        if (!isCommitted(receipt)) {
          TOO_EARLY.add(receipt.segmentId() + " in " + WRITTEN_IN.get(receipt.segmentId()));
        }
      }
      CLEANED.addAll(receipts);
    }

    @Override
    public void close() {}
  }
}
