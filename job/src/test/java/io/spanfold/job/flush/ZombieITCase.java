package io.spanfold.job.flush;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseSupersededException;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockRefusedException;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.lease.TaskMetrics;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Spans;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** A zombie is an attempt that is superseded but not aware of it yet; the owner superseded it. */
@Timeout(60)
class ZombieITCase {

  private static final Duration TTL = Duration.ofMinutes(5);
  private static final TraceKey TRACE = new TraceKey(1, 2, 3);
  private static final Subsegment SUBSEGMENT =
      new Subsegment(7, 7, true, 1, 1, 1, 2, 1, Spans.positions(0));
  private static final DuePart PART =
      new DuePart(
          TRACE,
          7,
          0,
          FlushReason.IDLE,
          0,
          false,
          List.of(new DuePart.Slice(SUBSEGMENT, null, true)));

  private static final String LOCK =
      RedisKeys.flushLock(Buckets.DEFAULT.tag(Buckets.DEFAULT.of(TRACE)));

  @TempDir Path directory;
  private RedisNode redis;
  private SegmentStore store;
  private Lease zombie;
  private Lease owner;
  private long nanoTime;
  private final CountingMetrics zombieMetrics = new CountingMetrics();
  private final CountingMetrics ownerMetrics = new CountingMetrics();

  /** The zombie's keeper asks once and then never again in this test: it is stalled. */
  @BeforeEach
  void start() throws Exception {
    redis = RedisNode.start(RedisNode.Options.in(directory));
    StoreSettings settings = StoreSettings.of(List.of(redis.uri()));
    store = SegmentStore.connect(settings);
    LeaseSettings lease = LeaseSettings.of(settings.redis(), "main");
    LeaseSettings stalled = new LeaseSettings(lease.redis(), "main", TTL, Duration.ofHours(1));
    zombie = Lease.open(stalled, TaskMetrics.of("job", "a", 0));
    zombie.confirm();
  }

  @AfterEach
  void stop() {
    store.close();
    zombie.close();
    if (owner != null) {
      owner.close();
    }
    redis.close();
  }

  @Test
  void aZombieIsRefusedALockThatTheOwnerHolds() throws Exception {
    restart();
    locks(owner, ownerMetrics).take(List.of(PART));
    String lock = lock();
    assertThatExceptionOfType(LeaseSupersededException.class)
        .isThrownBy(() -> locks(zombie, zombieMetrics).take(List.of(PART)));
    assertThat(zombieMetrics.count("locksRefused")).isEqualTo(1);
    assertThat(lock()).isEqualTo(lock);
  }

  /** While flushes follow one another, their locks cost a call a second. */
  @Test
  void aLockIsNotTakenAgainWithinASecond() throws Exception {
    FlushLocks locks = locks(zombie, zombieMetrics);
    locks.take(List.of(PART));
    try (Jedis jedis = redis.connect()) {
      jedis.del(LOCK);
      nanoTime += FlushLocks.HELD.toNanos() - 1;
      locks.take(List.of(PART));
      assertThat(jedis.exists(LOCK)).isFalse();
      nanoTime++;
      locks.take(List.of(PART));
      assertThat(jedis.exists(LOCK)).isTrue();
    }
  }

  @Test
  void aZombieThatHadTheLockIsRefusedAfterASecond() throws Exception {
    FlushLocks locks = locks(zombie, zombieMetrics);
    locks.take(List.of(PART));
    restart();
    locks(owner, ownerMetrics).take(List.of(PART));
    nanoTime += FlushLocks.HELD.toNanos();
    assertThatExceptionOfType(LeaseSupersededException.class)
        .isThrownBy(() -> locks.take(List.of(PART)));
  }

  @Test
  void theOwnerTakesOverTheLockOfAZombie() throws Exception {
    locks(zombie, zombieMetrics).take(List.of(PART));
    String lock = lock();
    restart();
    locks(owner, ownerMetrics).take(List.of(PART));
    assertThat(ownerMetrics.count("lockTakeOvers")).isEqualTo(1);
    assertThat(lock()).isNotEqualTo(lock).isEqualTo("job:" + owner.confirm().epoch());
  }

  @Test
  void aZombieDeletesNothingInItsCleanUp() throws Exception {
    String payload = RedisKeys.payload(TRACE, SUBSEGMENT.id());
    try (Jedis jedis = redis.connect()) {
      jedis.set(payload, "payload");
    }
    locks(zombie, zombieMetrics).take(List.of(PART));
    restart();
    Set<String> keys = keys();
    assertThatExceptionOfType(LeaseSupersededException.class)
        .isThrownBy(
            () ->
                new StoreCleanUp(store, zombie, Duration.ofSeconds(5)).cleanUp(List.of(receipt())))
        .withMessageContaining("took it over with epoch " + owner.confirm().epoch());
    assertThat(keys()).isEqualTo(keys);

    new StoreCleanUp(store, owner, Duration.ofSeconds(5)).cleanUp(List.of(receipt()));
    assertThat(keys()).containsExactlyInAnyOrder(RedisKeys.LEASE, LOCK);
  }

  /** It may have asked for the lease just before the owner took it. */
  @Test
  void aZombieDeletesNothingOfABucketThatTheOwnerHasLocked() throws Exception {
    try (Jedis jedis = redis.connect()) {
      jedis.set(RedisKeys.payload(TRACE, SUBSEGMENT.id()), "payload");
    }
    LockOwner before = zombie.confirm();
    restart();
    locks(owner, ownerMetrics).take(List.of(PART));
    Set<String> keys = keys();
    assertThatExceptionOfType(LockRefusedException.class)
        .isThrownBy(() -> store.cleanUp(List.of(receipt()), before))
        .withMessageContaining("a newer epoch than " + before.epoch());
    assertThat(keys()).isEqualTo(keys);
  }

  /** Only a lock of a newer epoch keeps a clean-up away, whatever job it is of. */
  @Test
  void aRestoredJobCleansUpUnderTheLocksOfTheJobBefore() throws Exception {
    restart();
    store.lock(List.of(PART), new LockOwner("former", owner.confirm().epoch() - 1), TTL);
    new StoreCleanUp(store, owner, Duration.ofSeconds(5)).cleanUp(List.of(receipt()));
  }

  /** Redis has lost the lease, but not the lock: this ends when the lock expires. */
  @Test
  void aCleanUpIsRetriedWhileALockIsNewerThanTheLease() throws Exception {
    restart();
    LockOwner lost = new LockOwner("job", owner.confirm().epoch() + 1_000_000);
    store.lock(List.of(PART), lost, TTL);
    StoreCleanUp cleanUp = new StoreCleanUp(store, owner, Duration.ofSeconds(5));
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> cleanUp.cleanUp(List.of(receipt())));
    try (Jedis jedis = redis.connect()) {
      jedis.del(LOCK);
    }
    cleanUp.cleanUp(List.of(receipt()));
  }

  @Test
  void aLockOfAnEpochThatRedisLostWithTheLeaseIsIgnored() throws Exception {
    restart();
    LockOwner lost = new LockOwner("job", owner.confirm().epoch() + 1_000_000);
    store.lock(List.of(PART), lost, TTL);
    locks(owner, ownerMetrics).take(List.of(PART));
    assertThat(ownerMetrics.count("locksRefused")).isEqualTo(1);
  }

  @Test
  void theCleanUpOfAnotherJobIsRefusedWithoutRestarts() throws Exception {
    restart();
    Set<String> keys = keys();
    LeaseSettings impatient =
        new LeaseSettings(
            ConnectionSettings.of(List.of(redis.uri())),
            "second",
            Duration.ofMillis(500),
            Duration.ofMillis(100));
    try (Lease second = Lease.open(impatient, TaskMetrics.of("second", "b", 0))) {
      assertThatExceptionOfType(SuppressRestartsException.class)
          .isThrownBy(
              () ->
                  new StoreCleanUp(store, second, Duration.ofSeconds(20))
                      .cleanUp(List.of(receipt())))
          .havingCause()
          .withMessageContaining("of job job since");
    }
    assertThat(keys()).isEqualTo(keys);
  }

  @Test
  void theCleanUpSucceedsInAWipedRedis() throws Exception {
    restart();
    try (Jedis jedis = redis.connect()) {
      jedis.flushAll();
    }
    new StoreCleanUp(store, owner, Duration.ofSeconds(5)).cleanUp(List.of(receipt()));
  }

  private void restart() throws Exception {
    LeaseSettings settings = LeaseSettings.of(ConnectionSettings.of(List.of(redis.uri())), "main");
    owner = Lease.open(settings, TaskMetrics.of("job", "a", 1));
    owner.confirm();
  }

  private FlushLocks locks(Lease lease, CountingMetrics metrics) {
    FlushMetrics flushed = new FlushMetrics(metrics, Clock.systemUTC());
    return new FlushLocks(store, Buckets.DEFAULT, lease, TTL, flushed, () -> nanoTime);
  }

  private static Receipt receipt() {
    return Receipts.of(TRACE, 7, List.of(SUBSEGMENT), new long[] {7});
  }

  private String lock() {
    try (Jedis jedis = redis.connect()) {
      return jedis.get(LOCK);
    }
  }

  private Set<String> keys() {
    try (Jedis jedis = redis.connect()) {
      return jedis.keys("*");
    }
  }

  private static final class CountingMetrics extends UnregisteredMetricsGroup {
    private final Map<String, Counter> counters = new HashMap<>();

    @Override
    public Counter counter(String name) {
      return counters.computeIfAbsent(name, unused -> new SimpleCounter());
    }

    long count(String name) {
      return counters.get(name).getCount();
    }
  }
}
