package io.spanfold.buffer.memory;

/**
 * How full a Redis node is.
 *
 * @param node its address
 * @param usedBytes what it takes now
 * @param maxBytes its {@code maxmemory}; 0 where it has no bound
 */
public record NodeMemory(String node, long usedBytes, long maxBytes) {

  /** Returns how much of its bound it takes; 0 where it has none. */
  public double fraction() {
    return maxBytes <= 0 ? 0 : (double) usedBytes / maxBytes;
  }

  @Override
  public String toString() {
    return "%s: %,d of %,d bytes".formatted(node, usedBytes, maxBytes);
  }
}
