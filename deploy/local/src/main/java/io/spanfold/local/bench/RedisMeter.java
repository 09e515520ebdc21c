package io.spanfold.local.bench;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
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

/** Reads what the Redis nodes have done and hold. For use by one thread. */
final class RedisMeter {

  private static final Logger LOG = LoggerFactory.getLogger(RedisMeter.class);

  private final List<RedisNode> nodes;

  RedisMeter(RedisCluster cluster) {
    this.nodes = cluster.nodes();
  }

  /**
   * What a node has done up to a moment.
   *
   * @param cpuNanos CPU time of its process
   * @param calls of each command, those from within scripts included
   * @param micros how long they took; a script's contain those of the commands within it
   */
  record Usage(long cpuNanos, Map<String, Long> calls, Map<String, Long> micros) {

    /** Returns what was done between {@code before} and this. */
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

    /** Returns how many commands were run. */
    long commands() {
      return calls.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Returns how often a command was called. */
    long of(String command) {
      return calls.getOrDefault(command, 0L);
    }
  }

  /** Returns what each node has done. */
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
        long cpu = ProcessHandle.of(node.pid()).map(ChildJvm::cpuNanos).orElse(0L);
        all.add(new Usage(cpu, calls, micros));
      }
    }
    return all;
  }

  /** Returns what each node has done since. */
  List<Usage> since(List<Usage> before) {
    return between(before, usage());
  }

  /** Returns what each node has done between two moments. */
  static List<Usage> between(List<Usage> before, List<Usage> after) {
    List<Usage> done = new ArrayList<>();
    for (int i = 0; i < after.size(); i++) {
      done.add(after.get(i).since(before.get(i)));
    }
    return done;
  }

  /** Returns how much memory each node takes, in bytes. */
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

  /** Returns whether payloads are compressed with a dictionary by now. */
  boolean hasDictionary() {
    for (RedisNode node : nodes) {
      try (Jedis jedis = node.connect()) {
        if (!jedis.keys("span-buf:dict").isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }

  /** Deletes everything, at once. */
  void clear() {
    for (RedisNode node : nodes) {
      try (Jedis jedis = node.connect()) {
        jedis.flushAll();
      }
    }
  }

  /**
   * Watches one node for a while and returns which share of each command's calls was sent by
   * clients, as Redis's own statistics do not tell these from calls within scripts. Commands not
   * seen are not in it. It slows the node down.
   */
  Map<String, Double> sharesSent(long millis) {
    Map<String, AtomicLong> sent = new ConcurrentHashMap<>();
    Map<String, AtomicLong> all = new ConcurrentHashMap<>();
    Jedis jedis = nodes.get(0).connect();
    Thread watcher =
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
                LOG.debug("the watch is over", e);
              }
            },
            "redis-watch");
    watcher.start();
    try {
      watcher.join(millis);
      jedis.disconnect();
      watcher.join();
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

  /** A line is like {@code 1618.42 [0 127.0.0.1:5123] "set" "key" ...}, or {@code [0 lua]}. */
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
