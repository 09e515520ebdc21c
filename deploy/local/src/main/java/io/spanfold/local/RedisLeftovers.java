package io.spanfold.local;

import io.spanfold.embedded.RedisNode;
import io.spanfold.local.buffer.KeyScan;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import redis.clients.jedis.Jedis;

/**
 * What is in Redis when a job has ended.
 *
 * @param byKind how many keys there are of each kind, which is the word behind {@code span-buf:}
 * @param withoutTtl keys that nothing would ever end
 */
record RedisLeftovers(Map<String, Long> byKind, List<String> withoutTtl) {

  /** Kinds that outlive their job: a lease by seconds, compression dictionaries by their TTL. */
  private static final Set<String> OUTLIVING = Set.of("lease", "dict");

  /** Looks through all keys of these nodes. */
  static RedisLeftovers in(List<RedisNode> masters) {
    Map<String, Long> byKind = new TreeMap<>();
    List<String> withoutTtl = new java.util.ArrayList<>();
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
    return new RedisLeftovers(byKind, List.copyOf(withoutTtl));
  }

  /** Returns how many keys there are beside those that outlive their job. */
  long ofSegments() {
    return byKind.entrySet().stream()
        .filter(entry -> !OUTLIVING.contains(entry.getKey()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  @Override
  public String toString() {
    if (byKind.isEmpty()) {
      return "nothing is left in Redis";
    }
    String kinds =
        byKind.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .collect(Collectors.joining(", "));
    return "left in Redis, by kind of key: "
        + kinds
        + (withoutTtl.isEmpty() ? "; all end by TTL" : "; without TTL " + withoutTtl.size());
  }
}
