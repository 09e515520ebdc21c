package io.spanfold.buffer.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.lease.LeaseAnswer.State;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisDataException;

/** The scripts of the lease and of the flush locks, branch by branch, on a real Redis Cluster. */
class LeaseStoreITCase {

  private static final Duration TTL = Duration.ofSeconds(30);
  private static final String RUN = "a".repeat(32);
  private static final String NEXT_RUN = "b".repeat(32);
  private static final LeaseClaim FIRST = new LeaseClaim("main", "job", RUN, 0);
  private static final LeaseClaim RESTARTED = new LeaseClaim("main", "job", RUN, 1);
  private static final LeaseClaim FAILED_OVER = new LeaseClaim("main", "job", NEXT_RUN, 0);
  private static final LeaseClaim OTHER = new LeaseClaim("second", "other", RUN, 0);

  @TempDir static Path directory;
  private static RedisCluster redis;

  private LeaseStore leases;
  private SegmentStore store;

  @BeforeAll
  static void start() {
    redis = RedisCluster.start(directory);
  }

  @AfterAll
  static void stop() {
    redis.close();
  }

  @BeforeEach
  void connect() {
    StoreSettings settings = settings(redis.nodes().get(0));
    leases = new LeaseStore(settings.redis());
    store = SegmentStore.connect(settings);
  }

  @AfterEach
  void wipe() {
    leases.close();
    store.close();
    redis.nodes().forEach(LeaseStoreITCase::flush);
  }

  @Test
  void allTasksOfAnAttemptGetTheSameEpoch() {
    LeaseAnswer first = leases.take(FIRST, TTL);
    assertThat(first.state()).isEqualTo(State.HELD);
    assertThat(first.buffer()).isEqualTo("main");
    assertThat(first.left()).isPositive().isLessThanOrEqualTo(TTL);
    assertThat(leases.take(FIRST, TTL))
        .usingRecursiveComparison()
        .ignoringFields("left")
        .isEqualTo(first);
    assertThat(store.leaseEpoch()).isEqualTo(first.epoch());
  }

  @Test
  void aRestartTakesOverAtOnceAndSupersedesTheOldAttempt() {
    LeaseAnswer first = leases.take(FIRST, TTL);
    LeaseAnswer restarted = leases.take(RESTARTED, TTL);
    assertThat(restarted.state()).isEqualTo(State.HELD);
    assertThat(restarted.epoch()).isGreaterThan(first.epoch());
    assertThat(restarted.since()).as("since when the job has it").isEqualTo(first.since());
    assertThat(leases.take(FIRST, TTL).state()).isEqualTo(State.SUPERSEDED);
    assertThat(leases.renew(FIRST, first, TTL).state()).isEqualTo(State.SUPERSEDED);
    assertThat(leases.renew(RESTARTED, restarted, TTL).state()).isEqualTo(State.HELD);
  }

  @Test
  void aNewRunTakesOverAtOnceAndFormerRunsStaySuperseded() {
    leases.take(FIRST, TTL);
    LeaseAnswer restarted = leases.take(RESTARTED, TTL);
    LeaseAnswer failedOver = leases.take(FAILED_OVER, TTL);
    assertThat(failedOver.state()).isEqualTo(State.HELD);
    assertThat(failedOver.epoch()).isGreaterThan(restarted.epoch());
    LeaseAnswer outdated = leases.take(new LeaseClaim("main", "job", RUN, 2), TTL);
    assertThat(outdated.state()).isEqualTo(State.SUPERSEDED);
    assertThat(outdated.epoch()).isEqualTo(failedOver.epoch());
  }

  @Test
  void remembersTheLastTwentyRuns() {
    for (int i = 0; i < 30; i++) {
      leases.take(run(i), TTL);
    }
    for (int i = 9; i < 29; i++) {
      assertThat(leases.take(run(i), TTL).state()).as("run %d", i).isEqualTo(State.SUPERSEDED);
    }
    assertThat(leases.take(run(8), TTL).state()).isEqualTo(State.HELD);
  }

  @Test
  void anotherJobSeesTheHolderOfTheLeaseUnderAnyBufferName() {
    LeaseAnswer first = leases.take(FIRST, TTL);
    LeaseAnswer other = leases.take(OTHER, TTL);
    assertThat(other.state()).isEqualTo(State.BUSY);
    assertThat(other.job()).isEqualTo("job");
    assertThat(other.buffer()).isEqualTo("main");
    assertThat(other.since()).isEqualTo(first.since());
    assertThat(leases.renew(FIRST, first, TTL).state()).isEqualTo(State.HELD);
  }

  @Test
  void anotherJobGetsAnExpiredLease() {
    LeaseAnswer first = leases.take(FIRST, Duration.ofMillis(200));
    LeaseAnswer other = leases.take(OTHER, TTL);
    while (other.state() == State.BUSY) {
      other = leases.take(OTHER, TTL);
    }
    assertThat(other.state()).isEqualTo(State.HELD);
    assertThat(other.epoch()).isGreaterThan(first.epoch());
    assertThat(other.past()).as("runs of the former job").isEmpty();
    assertThat(leases.renew(FIRST, first, TTL).state()).isEqualTo(State.SUPERSEDED);
    assertThat(leases.take(RESTARTED, TTL).state()).isEqualTo(State.BUSY);
  }

  @Test
  void aRenewalExtendsTheLease() {
    LeaseAnswer first = leases.take(FIRST, Duration.ofSeconds(5));
    assertThat(leases.renew(FIRST, first, TTL).left()).isGreaterThan(Duration.ofSeconds(20));
  }

  @Test
  void aReleaseShortensTheLeaseUntilAnotherProcessRenewsIt() {
    LeaseAnswer first = leases.take(FIRST, TTL);
    leases.release(first.epoch() - 1, Duration.ofSeconds(3));
    assertThat(leases.take(OTHER, TTL).left()).isGreaterThan(Duration.ofSeconds(20));
    leases.release(first.epoch(), Duration.ofSeconds(3));
    assertThat(leases.take(OTHER, TTL).left()).isLessThanOrEqualTo(Duration.ofSeconds(3));
    leases.release(first.epoch(), Duration.ofSeconds(10));
    assertThat(leases.take(OTHER, TTL).left()).isLessThanOrEqualTo(Duration.ofSeconds(3));
    leases.renew(FIRST, first, TTL);
    assertThat(leases.take(OTHER, TTL).left()).isGreaterThan(Duration.ofSeconds(20));
  }

  @Test
  void aRenewalRestoresTheLeaseAndItsFormerRunsInAWipedRedis() {
    leases.take(FIRST, TTL);
    LeaseAnswer held = leases.take(FAILED_OVER, TTL);
    redis.nodes().forEach(LeaseStoreITCase::flush);
    assertThat(store.leaseEpoch()).isZero();
    assertThat(leases.renew(FAILED_OVER, held, TTL).epoch()).isEqualTo(held.epoch());
    assertThat(store.leaseEpoch()).isEqualTo(held.epoch());
    assertThat(leases.take(RESTARTED, TTL).state()).isEqualTo(State.SUPERSEDED);
    assertThat(leases.take(FAILED_OVER, TTL).epoch()).isEqualTo(held.epoch());
  }

  @Test
  void aLeaseTakenInAWipedRedisHasANewerEpoch() {
    LeaseAnswer held = leases.take(FIRST, TTL);
    redis.nodes().forEach(LeaseStoreITCase::flush);
    LeaseAnswer restarted = leases.take(RESTARTED, TTL);
    assertThat(restarted.epoch()).isGreaterThan(held.epoch());
    assertThat(leases.renew(FIRST, held, TTL).state()).isEqualTo(State.SUPERSEDED);
  }

  @Test
  void theNewerEpochWinsAfterAFailoverRestoredTheOlder() {
    LeaseAnswer older = leases.take(FIRST, TTL);
    LeaseAnswer newer = leases.take(RESTARTED, TTL);
    redis.nodes().forEach(LeaseStoreITCase::flush);
    // The state of the replica: the lease of a second ago.
    leases.renew(FIRST, older, TTL);
    assertThat(leases.renew(RESTARTED, newer, TTL).state()).isEqualTo(State.HELD);
    assertThat(store.leaseEpoch()).isEqualTo(newer.epoch());
    assertThat(leases.renew(FIRST, older, TTL).state()).isEqualTo(State.SUPERSEDED);
  }

  @Test
  void aLockGoesToTheNewestEpoch() {
    LockOwner zombie = new LockOwner("job", 9);
    LockOwner owner = new LockOwner("job", 10);
    List<DuePart> parts = List.of(part(1), part(2));
    assertThat(store.lock(parts, zombie, TTL)).containsOnly(LockState.TAKEN);
    assertThat(store.lock(parts, zombie, TTL)).as("again").containsOnly(LockState.TAKEN);
    assertThat(store.lock(List.of(part(2), part(3)), owner, TTL))
        .containsExactly(LockState.TAKEN_OVER, LockState.TAKEN);
    assertThat(store.lock(List.of(part(1), part(2), part(3)), zombie, TTL))
        .containsExactly(LockState.TAKEN, LockState.REFUSED, LockState.REFUSED);
    assertThat(store.lock(parts, new LockOwner("other", 10), TTL))
        .as("another job of the same epoch")
        .containsExactly(LockState.TAKEN_OVER, LockState.REFUSED);
    assertThat(store.lock(parts, new LockOwner("other", 11), TTL))
        .containsOnly(LockState.TAKEN_OVER);
  }

  @Test
  void aLockIsOfABucketWithAllItsTraces() {
    List<DuePart> parts = parts(5, 100);
    assertThat(store.lock(parts.subList(1, 100), new LockOwner("job", 10), TTL)).hasSize(1);
    assertThat(store.lock(parts.subList(0, 1), new LockOwner("job", 9), TTL))
        .containsExactly(LockState.REFUSED);
  }

  @Test
  void aLockExpires() {
    store.lock(List.of(part(1)), new LockOwner("job", 10), Duration.ofMillis(200));
    List<LockState> states = List.of(LockState.REFUSED);
    while (states.contains(LockState.REFUSED)) {
      states = store.lock(List.of(part(1)), new LockOwner("job", 9), TTL);
    }
    assertThat(states).containsExactly(LockState.TAKEN);
  }

  @Test
  void leaseAndLocksWorkInAFullRedis() {
    try (RedisNode full =
            RedisNode.start(
                RedisNode.Options.in(directory.resolve("full")).withMaxMemory(4L << 20));
        LeaseStore fullLeases = new LeaseStore(settings(full).redis());
        SegmentStore fullStore = SegmentStore.connect(settings(full));
        Jedis jedis = full.connect()) {
      assertThatExceptionOfType(JedisDataException.class)
          .isThrownBy(
              () -> {
                for (int i = 0; ; i++) {
                  jedis.set("garbage-" + i, "x".repeat(10_000));
                }
              })
          .withMessageStartingWith("OOM");
      jedis.configSet("maxmemory", "1mb");

      LeaseAnswer first = fullLeases.take(FIRST, TTL);
      LeaseAnswer restarted = fullLeases.take(RESTARTED, TTL);
      assertThat(restarted.epoch()).isGreaterThan(first.epoch());
      jedis.del("span-buf:lease");
      assertThat(fullLeases.renew(RESTARTED, restarted, TTL).state()).isEqualTo(State.HELD);
      fullLeases.release(restarted.epoch(), Duration.ofSeconds(3));
      assertThat(jedis.pttl("span-buf:lease")).isBetween(1L, 3_000L);

      LockOwner owner = new LockOwner("job", 10);
      assertThat(fullStore.lock(List.of(part(1)), owner, TTL)).containsOnly(LockState.TAKEN);
      assertThat(fullStore.lock(List.of(part(1)), owner, TTL)).containsOnly(LockState.TAKEN);
      assertThat(fullStore.lock(List.of(part(1)), new LockOwner("job", 11), TTL))
          .containsOnly(LockState.TAKEN_OVER);
    }
  }

  private static LeaseClaim run(int number) {
    return new LeaseClaim("main", "job", "%032x".formatted(number), 0);
  }

  /** Returns a part of a trace in this bucket. */
  private static DuePart part(int bucket) {
    return parts(bucket, 1).get(0);
  }

  private static List<DuePart> parts(int bucket, int count) {
    return LongStream.iterate(0, i -> i + 1)
        .mapToObj(i -> new TraceKey(1, 2, i))
        .filter(trace -> Buckets.DEFAULT.of(trace) == bucket)
        .limit(count)
        .map(trace -> new DuePart(trace, 7, 0, FlushReason.IDLE, 0, false, List.<Slice>of()))
        .toList();
  }

  private static StoreSettings settings(RedisNode node) {
    return new StoreSettings(
        ConnectionSettings.of(List.of(node.uri()))
            .within(
                new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(5))),
        Duration.ofHours(1),
        0,
        true,
        RolloutPhase.DISTRIBUTED,
        Buckets.DEFAULT);
  }

  private static void flush(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      jedis.flushAll();
    }
  }
}
