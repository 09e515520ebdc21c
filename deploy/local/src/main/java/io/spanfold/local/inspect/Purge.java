package io.spanfold.local.inspect;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;

/**
 * Deletes all keys of a buffer that no job has, and no others. May be repeated; where it was cut
 * off the rest is still there.
 */
public final class Purge {

  private final BufferNodes nodes;

  /** Makes one; nothing is sent yet. */
  public Purge(BufferNodes nodes) {
    this.nodes = nodes;
  }

  /** Counts what {@link #run} would delete: keys by node, then by kind. */
  public Map<HostAndPort, Map<String, Long>> count() {
    return walk(false);
  }

  /**
   * Deletes. Asks before each thousand keys whether a job has the buffer. One that begins in just
   * this moment loses payloads by it, which it reads again from Kafka.
   *
   * @return how many keys were deleted, by node, then by kind
   * @throws BufferInUseException where a job has the buffer, or comes to have it meanwhile
   */
  public Map<HostAndPort, Map<String, Long>> run() {
    refuseInUse();
    return walk(true);
  }

  private void refuseInUse() {
    Optional<BufferLease> lease = BufferLease.read(nodes);
    if (lease.isPresent()) {
      throw new BufferInUseException(lease.get());
    }
  }

  private Map<HostAndPort, Map<String, Long>> walk(boolean delete) {
    Map<HostAndPort, Map<String, Long>> found = new TreeMap<>(BufferOverview.BY_ADDRESS);
    for (HostAndPort node : nodes.all()) {
      Map<String, Long> kinds = new TreeMap<>();
      try (Jedis jedis = nodes.open(node)) {
        KeyScan.pages(
            jedis,
            BufferKey.PREFIX + "*",
            keys -> {
              List<String> ours = keys.stream().filter(k -> !k.equals(BufferKey.LEASE)).toList();
              if (delete) {
                refuseInUse();
                unlink(jedis, ours, kinds);
              } else {
                ours.forEach(key -> kinds.merge(KeyScan.kind(key), 1L, Long::sum));
              }
            });
      }
      found.put(node, kinds);
    }
    return found;
  }

  /** One command a key, as those of several slots are refused in a cluster. */
  private static void unlink(Jedis jedis, List<String> keys, Map<String, Long> deleted) {
    try (Pipeline pipeline = jedis.pipelined()) {
      List<Response<Long>> answers = keys.stream().map(pipeline::unlink).toList();
      pipeline.sync();
      for (int i = 0; i < keys.size(); i++) {
        if (answers.get(i).get() > 0) {
          deleted.merge(KeyScan.kind(keys.get(i)), 1L, Long::sum);
        }
      }
    }
  }
}
