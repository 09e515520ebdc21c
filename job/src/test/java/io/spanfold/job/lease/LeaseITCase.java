package io.spanfold.job.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.spanfold.buffer.lease.LeaseAnswer.State;
import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseRefusedException;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.lease.LeaseSupersededException;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** The lease on a real Redis. */
@Timeout(60)
class LeaseITCase {

  private static final Duration TTL = Duration.ofSeconds(2);
  private static final Duration RENEWAL = Duration.ofMillis(100);

  @TempDir Path directory;
  private RedisNode redis;
  private LeaseSettings settings;

  @BeforeEach
  void start() {
    redis = RedisNode.start(RedisNode.Options.in(directory));
    settings = new LeaseSettings(ConnectionSettings.of(List.of(redis.uri())), "main", TTL, RENEWAL);
  }

  @AfterEach
  void stop() {
    redis.close();
  }

  @Test
  void tasksOfAnAttemptShareALease() throws Exception {
    try (Lease one = lease("job", "a", 0);
        Lease two = lease("job", "a", 0)) {
      LockOwner owner = one.confirm();
      assertThat(owner.job()).isEqualTo("job");
      assertThat(two.confirm()).isEqualTo(owner);
      two.close();
      assertThat(one.confirm()).isEqualTo(owner);
    }
  }

  @Test
  void lastsAsLongAsItIsRenewed() throws Exception {
    try (Lease lease = lease("job", "a", 0)) {
      LockOwner owner = lease.confirm();
      long end = System.nanoTime() + TTL.plus(TTL).toNanos();
      Await.until(
          () -> {
            assertThat(leftMillis()).isPositive();
            return System.nanoTime() >= end;
          });
      assertThat(lease.confirm()).isEqualTo(owner);
    }
  }

  @Test
  void aRestartTakesOverAtOnceAndTheOldAttemptFails() throws Exception {
    try (Lease outdated = lease("job", "a", 0)) {
      LockOwner before = outdated.confirm();
      try (Lease restarted = lease("job", "a", 1)) {
        LockOwner now = restarted.confirm();
        assertThat(now.epoch()).isGreaterThan(before.epoch());
        assertThatExceptionOfType(LeaseSupersededException.class)
            .as("before its next renewal, because it compares epochs with Redis")
            .isThrownBy(() -> outdated.check(now.epoch()));
        assertThat(eventualFailure(outdated))
            .isInstanceOf(LeaseSupersededException.class)
            .hasMessageContaining("attempt 0 of job job")
            .hasMessageContaining("buffer main")
            .hasMessageContaining("epoch " + now.epoch());
        outdated.close();
        assertThat(leftMillis())
            .as("an outdated attempt cannot release it")
            .isGreaterThan(settings.released().toMillis());
        assertThat(restarted.confirm()).isEqualTo(now);
      }
    }
  }

  @Test
  void aSecondJobIsRefusedPermanentlyWithARemedy() throws Exception {
    try (Lease first = lease("first", "a", 0)) {
      LockOwner owner = first.confirm();
      LeaseSettings others = new LeaseSettings(settings.redis(), "second", TTL, RENEWAL);
      try (Lease second = Lease.open(others, TaskMetrics.of("second", "b", 0))) {
        assertThatExceptionOfType(SuppressRestartsException.class)
            .isThrownBy(second::confirm)
            .havingCause()
            .isInstanceOf(LeaseRefusedException.class)
            .withMessageContaining(redis.uri().toString())
            .withMessageContaining("buffer main of job first since 20")
            .withMessageContaining("(buffer second) a Redis of its own");
      }
      assertThat(first.confirm()).isEqualTo(owner);
    }
  }

  @Test
  void aJobGetsAReleasedLeaseLongBeforeItsTtl() throws Exception {
    LeaseSettings lasting =
        new LeaseSettings(settings.redis(), "main", Duration.ofSeconds(50), RENEWAL);
    try (Lease first = Lease.open(lasting, TaskMetrics.of("first", "a", 0));
        Lease second = Lease.open(lasting, TaskMetrics.of("second", "b", 0));
        LeaseStore store = new LeaseStore(settings.redis())) {
      Lease winner = ownerNow(store).equals("first") ? first : second;
      winner.close();
      LockOwner next = (winner == first ? second : first).confirm(Duration.ofSeconds(20));
      assertThat(next.job()).isEqualTo(winner == first ? "second" : "first");
    }
  }

  @Test
  void aJobGetsTheLeaseOfADeadJob() throws Exception {
    try (LeaseStore dead = new LeaseStore(settings.redis())) {
      dead.take(new LeaseClaim("main", "dead", "a".repeat(32), 3), TTL);
    }
    try (Lease lease = lease("job", "b", 0)) {
      assertThat(lease.confirm().job()).isEqualTo("job");
    }
  }

  @Test
  void anOutageKeepsTheLeaseAndAWipedRedisGetsTheSameEpoch() throws Exception {
    Map<String, Gauge<?>> gauges = new HashMap<>();
    try (Lease lease = lease("job", "a", 0)) {
      lease.register(
          new UnregisteredMetricsGroup() {
            @Override
            public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
              gauges.put(name, gauge);
              return gauge;
            }
          });
      LockOwner owner = lease.confirm();
      redis.kill();
      Await.until(
          () -> {
            assertThat(lease.confirm()).isEqualTo(owner);
            return (Long) gauges.get("leaseRenewalsFailed").getValue() >= 2;
          });
      assertThat(lease.confirm()).isEqualTo(owner);
      redis.restart();
      Await.until(
          () -> {
            assertThat(lease.confirm()).isEqualTo(owner);
            return String.valueOf(owner.epoch()).equals(epochInRedis());
          });
      assertThat(gauges.get("leaseEpoch").getValue()).isEqualTo(owner.epoch());
    }
  }

  @Test
  void failsAfterTheTimeoutIfRedisIsUnreachable() {
    redis.kill();
    try (Lease lease = lease("job", "a", 0)) {
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> lease.confirm(Duration.ofSeconds(1)))
          .withMessageContaining("buffer main")
          .withMessageContaining("Redis is reachable");
    }
  }

  private static Throwable eventualFailure(Lease lease) {
    Throwable failure = null;
    while (failure == null) {
      failure = catchThrowable(lease::confirm);
    }
    return failure;
  }

  private static String ownerNow(LeaseStore store) {
    LeaseClaim stranger = new LeaseClaim("x", "stranger", "c".repeat(32), 0);
    while (true) {
      var answer = store.take(stranger, Duration.ofMillis(1));
      if (answer.state() == State.BUSY) {
        return answer.job();
      }
    }
  }

  private Lease lease(String job, String run, int attempt) {
    return Lease.open(settings, TaskMetrics.of(job, run, attempt));
  }

  private long leftMillis() {
    try (Jedis jedis = redis.connect()) {
      return jedis.pttl("span-buf:lease");
    }
  }

  private String epochInRedis() {
    try (Jedis jedis = redis.connect()) {
      return jedis.hget("span-buf:lease", "epoch");
    }
  }
}
