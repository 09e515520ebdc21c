package io.spanfold.buffer.memory;

import io.spanfold.buffer.redis.RedisFailure;
import java.util.Optional;

/**
 * What a Redis node says of itself, and does with a write.
 *
 * @param node its address
 * @param memory how full it is; empty where it does not tell
 * @param evictionPolicy its {@code maxmemory-policy}; empty where it does not tell
 * @param silence why it does not tell, in its own words; empty where it does
 * @param refusedWrite why it does not take a small key, in its own words; empty where it does, or
 *     could not be tried
 */
public record NodeState(
    String node,
    Optional<NodeMemory> memory,
    Optional<String> evictionPolicy,
    Optional<String> silence,
    Optional<String> refusedWrite) {

  /** Returns whether it refuses writes for want of memory only, which passes. */
  public boolean full() {
    return refusedWrite.filter(RedisFailure::isFull).isPresent();
  }
}
