package io.spanfold.job.preflight;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.index.StoredBuckets;
import io.spanfold.buffer.lease.LeaseHolder;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.memory.BufferState;
import io.spanfold.buffer.memory.BufferState.NodeState;
import io.spanfold.buffer.memory.NodeMemory;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.job.config.SpanfoldConfig.RedisSettings;
import io.spanfold.job.preflight.PreflightChecks.JobStart;
import io.spanfold.job.preflight.PreflightChecks.Submission;
import java.time.Duration;

/**
 * Checks that Redis answers, accepts writes, evicts nothing, has a memory limit, covers all slots,
 * holds no spans in other buckets, and is not in use by another job.
 */
final class RedisCheck {

  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** Long enough for short outages, such as the failover of a primary. */
  private static final Duration RETRIES = Duration.ofSeconds(2);

  private static final String NO_EVICTION = "noeviction";

  private final RedisSettings redis;
  private final ConnectionSettings connection;
  private final CheckReport report;

  RedisCheck(RedisSettings redis, ConnectionSettings connection, CheckReport report) {
    this.redis = redis;
    this.connection = connection.within(new Timeouts(ANSWER, ANSWER, RETRIES));
    this.report = report;
  }

  /** Returns whether Redis answers. */
  boolean run() {
    BufferState state;
    try {
      state = BufferState.ask(connection);
    } catch (StoreException e) {
      report.problem("redis.uri: " + e.getMessage() + ".");
      return false;
    }
    if (state.slots() < BufferState.ALL_SLOTS) {
      report.problem(
          "Of the %,d slots of the Redis Cluster at %s, %,d are not assigned to a node; assign them (redis-cli --cluster fix)."
              .formatted(
                  BufferState.ALL_SLOTS,
                  connection.nodes(),
                  BufferState.ALL_SLOTS - state.slots()));
    }
    state.nodes().forEach(this::check);
    checkBuckets();
    return true;
  }

  /** Checks that nothing is buffered in other buckets, where the job would not find it. */
  private void checkBuckets() {
    Buckets buckets = redis.buckets();
    try (RedisPipelines pipelines = RedisPipelines.connect(connection, connection.retries())) {
      StoredBuckets.read(pipelines)
          .filter(stored -> !stored.equals(buckets) && StoredBuckets.anyInUse(pipelines, stored))
          .ifPresent(stored -> report.problem(otherBuckets(stored)));
    } catch (StoreException e) {
      report.warning(
          "It is unknown into how many buckets the spans in Redis are divided (%s); make sure that redis.buckets and pipeline.max-parallelism are as they were when they were buffered."
              .formatted(e.getMessage()));
    }
  }

  private String otherBuckets(Buckets stored) {
    return "The spans in the Redis at %s are divided into %d buckets of %d key groups, but redis.buckets is %d and the maximum parallelism %d; start with redis.buckets %d and pipeline.max-parallelism %d until they are flushed, or purge them."
        .formatted(
            connection.nodes(),
            stored.count(),
            stored.maxParallelism(),
            redis.buckets().count(),
            redis.buckets().maxParallelism(),
            stored.count(),
            stored.maxParallelism());
  }

  private void check(NodeState node) {
    if (node.silence().isPresent()) {
      report.problem(
          "The Redis node %s does not report its memory (%s); check that it runs and is reachable from here, and grant the job's user INFO."
              .formatted(node.node(), node.silence().get()));
      return;
    }
    node.refusedWrite().ifPresent(words -> refusedWrite(node, words));
    node.memory().ifPresent(memory -> memory(memory, node.full()));
    if (node.evictionPolicy().isEmpty()) {
      report.warning(
          "The Redis node %s does not report its maxmemory-policy, so it is not checked; make sure that it is noeviction, as any other deletes payloads that are still needed."
              .formatted(node.node()));
    } else if (!node.evictionPolicy().get().equals(NO_EVICTION)) {
      report.problem(
          "The Redis node %s has the maxmemory-policy %s, which deletes payloads that are still needed; set it to noeviction."
              .formatted(node.node(), node.evictionPolicy().get()));
    }
  }

  private void refusedWrite(NodeState node, String reason) {
    if (node.full()) {
      // Only a warning: a job that was stopped while Redis was full must be able to start, because
      // its flushes make room.
      report.warning(
          "The Redis node %s is full and refuses writes; the job reads nothing until flushes have made room; if that does not help, remove what else is in Redis, or raise its maxmemory."
              .formatted(node.node()));
    } else {
      report.problem(
          "The Redis node %s refuses to write a key that begins with span-buf: (%s); name the primaries in redis.uri, and grant their user (redis.username) writes to these keys."
              .formatted(node.node(), reason));
    }
  }

  private void memory(NodeMemory memory, boolean full) {
    if (memory.maxBytes() == 0) {
      report.warning(
          "The Redis node %s has no maxmemory, so redis.max-memory-fraction has no effect, and the operating system kills Redis if its machine runs out of memory; set maxmemory."
              .formatted(memory.node()));
    } else if (!full && memory.fraction() >= redis.maxMemoryFraction()) {
      report.warning(
          "The Redis node %s is above redis.max-memory-fraction (%s); the job reads nothing until flushes have made room; if that does not help, remove what else is in Redis, or raise its maxmemory."
              .formatted(memory, redis.maxMemoryFraction()));
    }
  }

  /**
   * Checks that no other job renews the lease of the buffer. This only reports early: the check
   * does not take the lease, and the lease alone decides.
   */
  void checkLease(LeaseSettings lease, JobStart start) throws InterruptedException {
    // A plan may be made while the job that it replaces runs. A restored job may follow one
    // that has not quite ended, as after the loss of a job manager: it waits for the lease.
    if (start.submission() != Submission.NEW_JOB) {
      return;
    }
    try {
      LeaseStore.whoRenews(lease)
          .filter(holder -> !holder.job().equals(start.jobId().orElse(null)))
          .ifPresent(holder -> report.problem(inUse(lease, holder)));
    } catch (StoreException e) {
      report.warning(
          "It is unknown whether another job uses the Redis at %s (%s); the job asks for the lease itself when it runs."
              .formatted(lease.redis().nodes(), e.getMessage()));
    }
  }

  private static String inUse(LeaseSettings lease, LeaseHolder holder) {
    return "The Redis at %s has been the buffer %s of job %s since %s, and that job is running; stop it and start this one from its savepoint, or give this job (redis.buffer %s) a Redis of its own."
        .formatted(
            lease.redis().nodes(), holder.buffer(), holder.job(), holder.since(), lease.buffer());
  }
}
