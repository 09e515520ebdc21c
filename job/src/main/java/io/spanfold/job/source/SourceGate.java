package io.spanfold.job.source;

import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.job.gate.RedisGate;
import io.spanfold.job.gate.RedisGate.State;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.resource.SharedResource.Share;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.metrics.MetricGroup;

/**
 * The gate of one reader: open while Redis takes writes, and this attempt has the lease. What is
 * read without either only waits in memory.
 *
 * <p>For the task's thread, but for the metrics.
 */
final class SourceGate implements AutoCloseable {

  /** The metric's value while Redis is ready and the lease is not held yet. */
  private static final int WITHOUT_LEASE = State.values().length;

  private final Share<RedisGate> redis;
  private final Lease lease;

  /** Once it is held, the attempt fails if it is lost. */
  private volatile boolean hasLease;

  private SourceGate(Share<RedisGate> redis, Lease lease) {
    this.redis = redis;
    this.lease = lease;
  }

  /** Opens the gate of a task, and registers its metrics. */
  static SourceGate open(RedisGateSettings redis, LeaseSettings lease, MetricGroup metrics) {
    SourceGate gate = new SourceGate(RedisGate.open(redis), Lease.open(lease, metrics));
    gate.redis.get().register(metrics);
    metrics.gauge("gateClosed", gate::reason);
    return gate;
  }

  /**
   * Returns whether records may be read.
   *
   * @throws io.spanfold.buffer.lease.LeaseSupersededException if a newer attempt has the lease
   * @throws org.apache.flink.runtime.execution.SuppressRestartsException if another job has it
   */
  boolean isOpen() {
    if (!hasLease) {
      hasLease = lease.isHeld();
    }
    return hasLease && redis.get().state() == State.OPEN;
  }

  /** Returns a future that completes once the gate may be open; it is to be checked again then. */
  CompletableFuture<Void> whenOpen() {
    return redis.get().state() == State.OPEN && !hasLease
        ? lease.whenDecided()
        : redis.get().whenOpen();
  }

  /** Returns the state of Redis; without the lease nothing can be written, as if it refused. */
  State state() {
    State state = redis.get().state();
    return state == State.OPEN && !hasLease ? State.REFUSING : state;
  }

  private int reason() {
    State state = redis.get().state();
    return state == State.OPEN && !hasLease ? WITHOUT_LEASE : state.ordinal();
  }

  /** See {@link RedisGate#underPressure}. */
  boolean underPressure() {
    return redis.get().underPressure();
  }

  /** See {@link RedisGate#hasHeadroom}. */
  boolean hasHeadroom() {
    return redis.get().hasHeadroom();
  }

  @Override
  public void close() throws Exception {
    try (lease) {
      redis.close();
    }
  }
}
