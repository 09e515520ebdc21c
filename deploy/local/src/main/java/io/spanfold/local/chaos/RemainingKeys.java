package io.spanfold.local.chaos;

import io.spanfold.embedded.RedisNode;
import io.spanfold.local.inspect.KeyScan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import redis.clients.jedis.Jedis;

/**
 * The keys in Redis after a job has ended.
 *
 * @param byKind the number of keys of each kind, the word after {@code span-buf:}
 * @param withoutTtl keys without a TTL
 */
record RemainingKeys(Map<String, Long> byKind, List<String> withoutTtl) {

  /** Kinds that remain after their job until their TTL: the lease, compression dictionaries. */
  private static final Set<String> REMAINING = Set.of("lease", "dict");

  /** Scans all keys of the nodes. */
  static RemainingKeys in(List<RedisNode> masters) {
    Map<String, Long> byKind = new TreeMap<>();
    List<String> withoutTtl = new ArrayList<>();
    for (RedisNode master : masters) {
      try (Jedis jedis = master.connect()) {
        KeyScan.pages(
            jedis,
            "*",
            keys -> {
              for (String key : keys) {
                byKind.merge(KeyScan.kind(key), 1L, Long::sum);
                if (jedis.ttl(key) == -1) {
                  withoutTtl.add(key);
                }
              }
            });
      }
    }
    return new RemainingKeys(byKind, List.copyOf(withoutTtl));
  }

  /** Returns the number of keys that a finished job should have deleted. */
  long ofSegments() {
    return byKind.entrySet().stream()
        .filter(entry -> !REMAINING.contains(entry.getKey()))
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
