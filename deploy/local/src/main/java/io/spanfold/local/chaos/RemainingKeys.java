package io.spanfold.local.chaos;

import io.spanfold.buffer.inspect.BufferInspector;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.embedded.RedisCluster;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The keys in Redis after a job has ended, without the lease.
 *
 * @param byKind the number of keys of each kind
 * @param withoutTtl keys without a TTL
 */
record RemainingKeys(Map<String, Long> byKind, List<String> withoutTtl) {

  /**
   * The kinds of keys that remain after their job until their TTL: compression dictionaries, the
   * number of buckets, write checks, and flush locks, which the next owner takes over.
   */
  private static final Set<String> OUTLIVING = Set.of("dict", "buckets", "check", "fl");

  /** Scans all keys. */
  static RemainingKeys in(RedisCluster cluster) {
    try (BufferInspector inspector =
        BufferInspector.connect(ConnectionSettings.of(cluster.uris()))) {
      Map<String, Long> byKind = new TreeMap<>();
      inspector
          .countKeys()
          .values()
          .forEach(kinds -> kinds.forEach((kind, keys) -> byKind.merge(kind, keys, Long::sum)));
      return new RemainingKeys(byKind, inspector.keysWithoutTtl());
    }
  }

  /** Returns the number of keys that a finished job should have deleted. */
  long ofSegments() {
    return byKind.entrySet().stream()
        .filter(entry -> !OUTLIVING.contains(entry.getKey()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  @Override
  public String toString() {
    if (byKind.isEmpty()) {
      return "no keys are left in Redis";
    }
    String kinds =
        byKind.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .collect(Collectors.joining(", "));
    return "keys left in Redis: "
        + kinds
        + (withoutTtl.isEmpty() ? "; all have a TTL" : "; without TTL: " + withoutTtl.size());
  }
}
