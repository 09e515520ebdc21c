package io.spanfold.buffer.memory;

/**
 * The memory of a Redis node.
 *
 * @param node its address
 * @param usedBytes its {@code used_memory}
 * @param maxBytes its {@code maxmemory}; 0 for no limit
 */
public record NodeMemory(String node, long usedBytes, long maxBytes) {

  /** Returns the used share of its limit; 0 if it has none. */
  public double fraction() {
    return maxBytes <= 0 ? 0 : (double) usedBytes / maxBytes;
  }

  @Override
  public String toString() {
    return "%s: %,d of %,d bytes".formatted(node, usedBytes, maxBytes);
  }
}
