package io.spanfold.local;

import io.spanfold.embedded.RedisNode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * What is in Redis when a job has ended.
 *
 * @param byKind how many keys there are of each kind, which is the word behind {@code span-buf:}
 * @param withoutTtl keys that nothing would ever end
 */
record RedisLeftovers(Map<String, Long> byKind, List<String> withoutTtl) {

  private static final String LEASE = "lease";
  private static final int SCAN_COUNT = 1_000;

  /** Looks through all keys of these nodes. */
  static RedisLeftovers in(List<RedisNode> masters) {
    Map<String, Long> byKind = new TreeMap<>();
    List<String> withoutTtl = new java.util.ArrayList<>();
    for (RedisNode master : masters) {
      try (Jedis jedis = master.connect()) {
        String cursor = ScanParams.SCAN_POINTER_START;
        do {
          ScanResult<String> page = jedis.scan(cursor, new ScanParams().count(SCAN_COUNT));
          for (String key : page.getResult()) {
            byKind.merge(kind(key), 1L, Long::sum);
            if (jedis.ttl(key) == -1) {
              withoutTtl.add(key);
            }
          }
          cursor = page.getCursor();
        } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
      }
    }
    return new RedisLeftovers(byKind, List.copyOf(withoutTtl));
  }

  private static String kind(String key) {
    String[] parts = key.split(":", 3);
    return parts.length > 1 && parts[0].equals("span-buf") ? parts[1] : "foreign";
  }

  /** Returns how many keys there are beside a lease, which ends soon after its job. */
  long besideLease() {
    return byKind.entrySet().stream()
        .filter(entry -> !entry.getKey().equals(LEASE))
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
