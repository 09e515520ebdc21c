package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.local.cli.FailedRunException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.ClientKillParams;

/** The faults of Redis nodes. Each returns when all nodes are back. */
final class RedisFaults {

  /** How long connections are closed. */
  static final Duration CUT = Duration.ofSeconds(6);

  private static final Duration FAILOVER_TIMEOUT = Duration.ofSeconds(60);
  private static final long CUT_INTERVAL_MILLIS = 300;

  private final RedisCluster cluster;
  private final Random random;

  RedisFaults(RedisCluster cluster, Random random) {
    this.cluster = cluster;
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
