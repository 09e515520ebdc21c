package io.spanfold.local;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.ClientKillParams;

/** What can befall the Redis nodes. Each returns when all of them are there again. */
final class RedisFaults {

  private static final Duration TAKE_OVER_TIMEOUT = Duration.ofSeconds(60);
  private static final long STALL_MILLIS = 30_000;
  private static final int CUTS = 20;
  private static final long CUT_EVERY_MILLIS = 300;

  private final RedisCluster cluster;
  private final Random random;

  RedisFaults(RedisCluster cluster, Random random) {
    this.cluster = cluster;
    this.random = random;
  }

  /** Kills a master whose replica takes over, then starts it again, as the replica. */
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

  /** Kills a master without a replica, and starts it again, empty. */
  void killSingle() {
    RedisNode node = pick(masters(false));
    node.kill();
    Pause.millis(1_000 + random.nextInt(4_000));
    node.restart();
    cluster.awaitWhole();
  }

  /** Empties all masters at once. */
  void wipe() {
    for (RedisNode master : masters()) {
      try (Jedis jedis = master.connect()) {
        jedis.flushAll();
      }
    }
  }

  /** Stops a master, which goes on half a minute later. */
  void stall() {
    RedisNode node = pick(masters());
    Signals.suspend(node.pid());
    try {
      Pause.millis(STALL_MILLIS);
    } finally {
      Signals.resume(node.pid());
    }
    cluster.awaitWhole();
  }

  /** Cuts all connections of clients, every little while for some seconds. */
  void cut() {
    ClientKillParams clients =
        ClientKillParams.clientKillParams()
            .type(ClientType.NORMAL)
            .skipMe(ClientKillParams.SkipMe.YES);
    for (int i = 0; i < CUTS; i++) {
      for (RedisNode node : cluster.nodes()) {
        try (Jedis jedis = node.connect()) {
          jedis.clientKill(clients);
        }
      }
      Pause.millis(CUT_EVERY_MILLIS);
    }
  }

  /** Returns the nodes that are masters now. */
  List<RedisNode> masters() {
    return cluster.nodes().stream().filter(n -> replication(n).contains("role:master")).toList();
  }

  private List<RedisNode> masters(boolean replicated) {
    return masters().stream()
        .filter(n -> replication(n).contains("connected_slaves:0") != replicated)
        .toList();
  }

  private RedisNode pick(List<RedisNode> nodes) {
    if (nodes.isEmpty()) {
      throw new FailedRunException("there is no Redis master of the kind that is to be killed");
    }
    return nodes.get(random.nextInt(nodes.size()));
  }

  /** Returns what a node tells of its replication; nothing where it does not answer. */
  private static String replication(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      return jedis.info("replication");
    } catch (JedisException e) {
      return "";
    }
  }

  private static void await(java.util.function.BooleanSupplier condition, String complaint) {
    if (!Pause.until(condition, TAKE_OVER_TIMEOUT)) {
      throw new FailedRunException(complaint);
    }
  }
}
