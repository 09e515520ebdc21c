package io.spanfold.job.preflight;

import io.spanfold.buffer.memory.BufferState;
import io.spanfold.buffer.memory.BufferState.NodeState;
import io.spanfold.buffer.memory.NodeMemory;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.job.config.SpanfoldConfig.RedisSettings;
import java.time.Duration;

/** Whether Redis answers, takes writes, evicts nothing, has a bound, and is whole. */
final class RedisCheck {

  /** Somebody waits for the answer: what does not come within this does not come. */
  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** Long enough for what passes by itself, such as a primary being replaced. */
  private static final Duration RETRIES = Duration.ofSeconds(2);

  private static final String NO_EVICTION = "noeviction";

  private final RedisSettings redis;
  private final ConnectionSettings connection;
  private final CheckReport findings;

  RedisCheck(RedisSettings redis, ConnectionSettings connection, CheckReport findings) {
    this.redis = redis;
    this.connection = connection.within(new Timeouts(ANSWER, ANSWER, RETRIES));
    this.findings = findings;
  }

  /** Returns whether Redis answers at all. */
  boolean run() {
    BufferState state;
    try {
      state = BufferState.ask(connection);
    } catch (StoreException e) {
      findings.problem("redis.uri: " + e.getMessage() + ".");
      return false;
    }
    if (state.slots() < BufferState.ALL_SLOTS) {
      findings.problem(
          "Of the %,d slots of the Redis Cluster at %s, %,d are with no node; assign them (redis-cli --cluster fix)."
              .formatted(
                  BufferState.ALL_SLOTS,
                  connection.nodes(),
                  BufferState.ALL_SLOTS - state.slots()));
    }
    state.nodes().forEach(this::check);
    return true;
  }

  private void check(NodeState node) {
    if (node.silence().isPresent()) {
      findings.problem(
          "The Redis node %s does not report its memory (%s); see whether it runs and is reachable from here, and let the job's user call INFO."
              .formatted(node.node(), node.silence().get()));
      return;
    }
    node.refusedWrite().ifPresent(words -> refusedWrite(node, words));
    node.memory().ifPresent(memory -> memory(memory, node.full()));
    if (node.evictionPolicy().isEmpty()) {
      findings.warning(
          "The Redis node %s does not tell its maxmemory-policy, so it is not checked; see to it that it is noeviction, as any other deletes payloads that are still needed."
              .formatted(node.node()));
    } else if (!node.evictionPolicy().get().equals(NO_EVICTION)) {
      findings.problem(
          "The Redis node %s has the maxmemory-policy %s, which deletes payloads that are still needed; set it to noeviction."
              .formatted(node.node(), node.evictionPolicy().get()));
    }
  }

  private void refusedWrite(NodeState node, String words) {
    if (node.full()) {
      // A pause, not an accident: a job that was stopped while Redis was full must be able to
      // start, and make room.
      findings.warning(
          "The Redis node %s is full and takes no writes; until flushes have made room the job reads nothing, so see what else is there where it stays so, or raise its maxmemory."
              .formatted(node.node()));
    } else {
      findings.problem(
          "The Redis node %s refuses to write a key that begins with span-buf: (%s); give redis.uri the primaries, and their user (redis.username) the right to write these keys."
              .formatted(node.node(), words));
    }
  }

  private void memory(NodeMemory memory, boolean full) {
    if (memory.maxBytes() == 0) {
      findings.warning(
          "The Redis node %s has no maxmemory, so redis.max-memory-fraction has no effect, and it is killed where its machine runs out of memory; set maxmemory."
              .formatted(memory.node()));
    } else if (!full && memory.fraction() >= redis.maxMemoryFraction()) {
      findings.warning(
          "The Redis node %s is above redis.max-memory-fraction (%s); until flushes have made room the job reads nothing, so see what else is there where it stays so, or raise its maxmemory."
              .formatted(memory, redis.maxMemoryFraction()));
    }
  }
}
