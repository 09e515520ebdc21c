package io.spanfold.buffer.memory;

import java.util.List;

/**
 * What stands behind the addresses of a Redis.
 *
 * @param slots how many of all {@link #ALL_SLOTS} slots of keys some node has
 * @param nodes those that have keys
 */
public record BufferState(int slots, List<NodeState> nodes) {

  /** All that a cluster has to have; a single node counts as having them. */
  public static final int ALL_SLOTS = 16_384;

  /** Makes the list unmodifiable. */
  public BufferState {
    nodes = List.copyOf(nodes);
  }
}
