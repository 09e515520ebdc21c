package io.spanfold.buffer.memory;

import io.spanfold.buffer.redis.RedisFailure;
import java.util.List;
import java.util.Optional;

/**
 * The state of a Redis.
 *
 * @param slots the number of slots that some node has, of {@link #ALL_SLOTS}
 * @param nodes the nodes that have slots
 */
public record BufferState(int slots, List<NodeState> nodes) {

  /** The slots of a cluster; a single node counts as having all of them. */
  public static final int ALL_SLOTS = 16_384;

  /** Copies the list. */
  public BufferState {
    nodes = List.copyOf(nodes);
  }

  /**
   * The state of a node.
   *
   * @param node its address
   * @param memory empty if it does not report it
   * @param evictionPolicy its {@code maxmemory-policy}; empty if it does not report it
   * @param silence its reason not to report its memory; empty if it does
   * @param refusedWrite its reason to refuse a small key; empty if it accepts it, or could not be
   *     tried
   */
  public record NodeState(
      String node,
      Optional<NodeMemory> memory,
      Optional<String> evictionPolicy,
      Optional<String> silence,
      Optional<String> refusedWrite) {

    /** Returns whether it refuses writes only because it has no memory left, which passes. */
    public boolean full() {
      return refusedWrite.filter(RedisFailure::isFull).isPresent();
    }
  }
}
