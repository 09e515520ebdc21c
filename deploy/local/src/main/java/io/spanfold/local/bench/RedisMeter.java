package io.spanfold.local.bench;

import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.local.servers.JvmProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisMonitor;
import redis.clients.jedis.exceptions.JedisException;

/** Reads statistics of the Redis nodes. For use by one thread. */
final class RedisMeter {

  private static final Logger LOG = LoggerFactory.getLogger(RedisMeter.class);

  private final List<RedisNode> nodes;

  RedisMeter(RedisCluster cluster) {
    this.nodes = cluster.nodes();
  }

  /**
   * The usage of a node so far.
   *
   * @param cpuNanos CPU time of its process
   * @param calls of each command, including those within scripts
   * @param micros duration of all calls of each command; a script's includes its commands
   */
  record Usage(long cpuNanos, Map<String, Long> calls, Map<String, Long> micros) {

    /** Returns the difference to an earlier usage. */
    Usage since(Usage before) {
      return new Usage(
          cpuNanos - before.cpuNanos,
          difference(calls, before.calls),
          difference(micros, before.micros));
    }

    private static Map<String, Long> difference(Map<String, Long> now, Map<String, Long> before) {
      Map<String, Long> difference = new TreeMap<>();
      now.forEach(
          (command, count) -> difference.put(command, count - before.getOrDefault(command, 0L)));
      return difference;
    }

    /** Returns the number of all calls. */
    long commands() {
      return calls.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** Returns each node's usage. */
  List<Usage> usage() {
    List<Usage> all = new ArrayList<>();
    for (RedisNode node : nodes) {
      try (Jedis jedis = node.connect()) {
        Map<String, Long> calls = new TreeMap<>();
        Map<String, Long> micros = new TreeMap<>();
        for (String line : jedis.info("commandstats").split("\r\n")) {
          if (line.startsWith("cmdstat_")) {
            String name = line.substring("cmdstat_".length(), line.indexOf(':'));
            calls.put(name, Long.parseLong(line.replaceAll("^[^:]*:calls=(\\d+),.*", "$1")));
            micros.put(name, Long.parseLong(line.replaceAll(".*,usec=(\\d+),.*", "$1")));
          }
        }
        long cpu = ProcessHandle.of(node.pid()).map(JvmProcess::cpuNanos).orElse(0L);
        all.add(new Usage(cpu, calls, micros));
      }
    }
    return all;
  }

  /** Returns each node's usage since an earlier one. */
  List<Usage> since(List<Usage> before) {
    return between(before, usage());
  }

  /** Returns each node's usage between two others. */
  static List<Usage> between(List<Usage> before, List<Usage> after) {
    List<Usage> done = new ArrayList<>();
    for (int i = 0; i < after.size(); i++) {
      done.add(after.get(i).since(before.get(i)));
    }
    return done;
  }

  /** Returns each node's {@code used_memory} in bytes. */
  long[] usedMemory() {
    long[] used = new long[nodes.size()];
    for (int i = 0; i < used.length; i++) {
      try (Jedis jedis = nodes.get(i).connect()) {
        for (String line : jedis.info("memory").split("\r\n")) {
          if (line.startsWith("used_memory:")) {
            used[i] = Long.parseLong(line.substring("used_memory:".length()));
          }
        }
      }
    }
    return used;
  }

  /** Returns whether a compression dictionary has been published. */
  boolean hasDictionary() {
    for (RedisNode node : nodes) {
      try (Jedis jedis = node.connect()) {
        if (!jedis.keys(RedisKeys.CURRENT_DICTIONARY).isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }

  /** Deletes all keys. */
  void clear() {
    for (RedisNode node : nodes) {
      try (Jedis jedis = node.connect()) {
        jedis.flushAll();
      }
    }
  }

  /**
   * Monitors one node and returns the fraction of each command's calls that clients sent; Redis's
   * statistics include calls within scripts. Contains only commands that were seen. Slows the node
   * down.
   */
  Map<String, Double> sharesSent(long millis) {
    Map<String, AtomicLong> sent = new ConcurrentHashMap<>();
    Map<String, AtomicLong> all = new ConcurrentHashMap<>();
    Jedis jedis = nodes.get(0).connect();
    Thread monitor =
        new Thread(
            () -> {
              try {
                jedis.monitor(
                    new JedisMonitor() {
                      @Override
                      public void onCommand(String line) {
                        count(line, sent, all);
                      }
                    });
              } catch (JedisException e) {
                LOG.debug("the monitor has ended", e);
              }
            },
            "redis-monitor");
    monitor.start();
    try {
      monitor.join(millis);
      jedis.disconnect();
      monitor.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Map<String, Double> shares = new TreeMap<>();
    all.forEach(
        (command, calls) -> {
          AtomicLong fromClients = sent.get(command);
          shares.put(
              command, fromClients == null ? 0.0 : fromClients.doubleValue() / calls.doubleValue());
        });
    return shares;
  }

  /** Parses {@code 1618.42 [0 127.0.0.1:5123] "set" "key" ...}, or with {@code [0 lua]}. */
  private static void count(
      String line, Map<String, AtomicLong> sent, Map<String, AtomicLong> all) {
    int open = line.indexOf('[');
    int close = line.indexOf(']', open);
    int quote = line.indexOf('"', close);
    int end = line.indexOf('"', quote + 1);
    if (open < 0 || close < 0 || quote < 0 || end < 0) {
      return;
    }
    String command = line.substring(quote + 1, end).toLowerCase(Locale.ROOT);
    all.computeIfAbsent(command, c -> new AtomicLong()).incrementAndGet();
    if (!line.substring(open, close).endsWith(" lua")) {
      sent.computeIfAbsent(command, c -> new AtomicLong()).incrementAndGet();
    }
  }
}
