package io.spanfold.local.chaos;

import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.embedded.Resharding;
import io.spanfold.local.cli.FailedRunException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BooleanSupplier;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.ClientKillParams;
import redis.clients.jedis.util.JedisClusterCRC16;

/** The faults of Redis nodes. Each returns when all nodes are back. */
final class RedisFaults {

  /** How long connections are closed. */
  static final Duration CUT = Duration.ofSeconds(6);

  private static final Duration FAILOVER_TIMEOUT = Duration.ofSeconds(60);
  private static final long CUT_INTERVAL_MILLIS = 300;

  /** How long scripts are deleted. */
  static final Duration SCRIPT_FLUSH = Duration.ofSeconds(8);

  private static final long SCRIPT_FLUSH_INTERVAL_MILLIS = 100;

  /** How long the memory limit is lowered. */
  static final Duration FULL = Duration.ofSeconds(30);

  /** The memory limit, as a share of what is used. */
  private static final double LIMIT = 0.95;

  /** Slots that are moved at least, and those that a master keeps. */
  private static final int MOVED = 600;

  private static final int KEPT = 300;

  /** A master with fewer slots gives none away. */
  private static final int MANY = 2_000;

  private static final String USED_MEMORY = "used_memory:";

  private final RedisCluster cluster;
  private final Resharding slots;
  private final Random random;

  RedisFaults(RedisCluster cluster, Random random) {
    this.cluster = cluster;
    this.slots = Resharding.of(cluster);
    this.random = random;
  }

  /** Kills a master that has a replica, waits for the failover, and restarts it as the replica. */
  void killReplicated() {
    RedisNode node = pick(masters(true));
    long masters = masters().size();
    node.kill();
    await(() -> masters().size() == masters, "no replica took over from " + node.address());
    node.restart();
    await(
        () -> replication(node).contains("master_link_status:up"),
        node.address() + " did not come back as a replica");
    cluster.awaitWhole();
  }

  /** Kills a master without a replica, and restarts it empty. */
  void killSingle() {
    RedisNode node = pick(masters(false));
    node.kill();
    Await.millis(FaultInjector.downMillis(random));
    node.restart();
    cluster.awaitWhole();
  }

  /** Deletes all keys. */
  void wipe() {
    for (RedisNode master : masters()) {
      try (Jedis jedis = master.connect()) {
        jedis.flushAll();
      }
    }
  }

  /** Closes all client connections, 20 times in 6 s. */
  void cut() {
    ClientKillParams clients =
        ClientKillParams.clientKillParams()
            .type(ClientType.NORMAL)
            .skipMe(ClientKillParams.SkipMe.YES);
    for (long i = 0; i < CUT.toMillis() / CUT_INTERVAL_MILLIS; i++) {
      for (RedisNode node : cluster.nodes()) {
        try (Jedis jedis = node.connect()) {
          jedis.clientKill(clients);
        }
      }
      Await.millis(CUT_INTERVAL_MILLIS);
    }
  }

  /** Deletes all scripts, again and again. */
  void flushScripts() {
    for (long i = 0; i < SCRIPT_FLUSH.toMillis() / SCRIPT_FLUSH_INTERVAL_MILLIS; i++) {
      for (RedisNode node : cluster.nodes()) {
        try (Jedis jedis = node.connect()) {
          jedis.scriptFlush();
        }
      }
      Await.millis(SCRIPT_FLUSH_INTERVAL_MILLIS);
    }
  }

  /** Lowers the memory limit of all masters below what they use. */
  void fill() {
    Map<RedisNode, String> limits = new LinkedHashMap<>();
    try {
      for (RedisNode master : masters()) {
        try (Jedis jedis = master.connect()) {
          limits.put(master, jedis.configGet("maxmemory").get("maxmemory"));
          jedis.configSet("maxmemory", String.valueOf((long) (usedMemory(jedis) * LIMIT)));
        }
      }
      Await.millis(FULL.toMillis());
    } finally {
      limits.forEach(
          (master, limit) -> {
            try (Jedis jedis = master.connect()) {
              jedis.configSet("maxmemory", limit);
            }
          });
    }
  }

  private static long usedMemory(Jedis jedis) {
    return jedis
        .info("memory")
        .lines()
        .filter(line -> line.startsWith(USED_MEMORY))
        .mapToLong(line -> Long.parseLong(line.substring(USED_MEMORY.length())))
        .findFirst()
        .orElseThrow(() -> new FailedRunException("INFO memory has no " + USED_MEMORY));
  }

  /**
   * Moves some hundred slots of a master, those of a bucket among them; returns what was moved.
   *
   * @throws FailedRunException if that fails or does not end
   */
  String reshard() {
    List<RedisNode> masters = new ArrayList<>(masters());
    Collections.shuffle(masters, random);
    // The first with many slots: faults before may have taken most of the others'.
    masters.sort(Comparator.comparing(node -> slots.slotsOf(node).size() < MANY));
    RedisNode from = masters.get(0);
    RedisNode to = masters.get(1);
    List<Integer> own = slots.slotsOf(from);
    int count = Math.min(Math.max(MOVED, upToABucket(from, own)), own.size() - KEPT);
    long keys;
    try (Jedis jedis = from.connect()) {
      keys = own.subList(0, count).stream().mapToLong(jedis::clusterCountKeysInSlot).sum();
    }
    try {
      slots.reshard(from, to, count);
    } catch (IllegalStateException e) {
      throw new FailedRunException("the reshard failed: " + e.getMessage(), e);
    }
    return "%d slots with %d keys, %s"
        .formatted(count, keys, slots.usesCli() ? "by redis-cli" : "without redis-cli");
  }

  /** Returns how many of the lowest slots of a node include one with records of traces. */
  private static int upToABucket(RedisNode node, List<Integer> own) {
    try (Jedis jedis = node.connect()) {
      return jedis.keys(RedisKeys.ALL_TRACES + "*").stream()
          .mapToInt(key -> Collections.binarySearch(own, JedisClusterCRC16.getSlot(key)) + 1)
          .min()
          .orElse(0);
    }
  }

  /** Returns a random master. */
  RedisNode master() {
    return pick(masters());
  }

  private List<RedisNode> masters() {
    return cluster.nodes().stream().filter(n -> replication(n).contains("role:master")).toList();
  }

  private List<RedisNode> masters(boolean replicated) {
    return masters().stream()
        .filter(n -> replication(n).contains("connected_slaves:0") != replicated)
        .toList();
  }

  private RedisNode pick(List<RedisNode> nodes) {
    if (nodes.isEmpty()) {
      throw new FailedRunException("there is no Redis master of the kind to be killed");
    }
    return nodes.get(random.nextInt(nodes.size()));
  }

  /** Returns a node's {@code INFO replication}; empty if it does not answer. */
  private static String replication(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      return jedis.info("replication");
    } catch (JedisException e) {
      return "";
    }
  }

  private static void await(BooleanSupplier condition, String complaint) {
    if (!Await.until(condition, FAILOVER_TIMEOUT)) {
      throw new FailedRunException(complaint);
    }
  }
}
