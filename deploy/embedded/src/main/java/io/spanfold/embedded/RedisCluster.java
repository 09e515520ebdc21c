package io.spanfold.embedded;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import redis.clients.jedis.Jedis;

/**
 * A Redis Cluster of three masters on free ports of the loopback interface, by default without
 * replicas. For use by one thread at a time.
 */
public final class RedisCluster implements AutoCloseable {

  /** The number of masters. */
  public static final int MASTERS = 3;

  private static final int SLOTS = 16_384;
  private static final Duration FORM_TIMEOUT = Duration.ofSeconds(30);

  private final List<RedisNode> nodes;

  private RedisCluster(List<RedisNode> nodes) {
    this.nodes = List.copyOf(nodes);
  }

  /**
   * Starts a cluster that keeps its files in {@code directory}, and returns when every node reports
   * it complete: about three seconds.
   *
   * @throws IllegalStateException if it does not form
   */
  public static RedisCluster start(Path directory) {
    return start(RedisNode.Options.in(directory));
  }

  /**
   * Starts a cluster whose nodes all have the given options, each in its own subdirectory.
   *
   * @throws IllegalStateException if it does not form
   */
  public static RedisCluster start(RedisNode.Options options) {
    return start(options, 0);
  }

  /**
   * Starts a cluster in which each of the first {@code replicas} masters has a replica. The masters
   * come first in {@link #nodes()}.
   *
   * @throws IllegalStateException if it does not form
   */
  public static RedisCluster start(RedisNode.Options options, int replicas) {
    List<RedisNode> started = new ArrayList<>();
    try {
      for (int i = 0; i < MASTERS + replicas; i++) {
        RedisNode.Options own =
            new RedisNode.Options(
                options.directory().resolve("node-" + i),
                options.maxMemoryBytes(),
                true,
                options.password(),
                options.appendOnly(),
                options.port() == 0 ? 0 : options.port() + i,
                options.tls());
        started.add(RedisNode.start(own));
      }
      form(started);
    } catch (RuntimeException e) {
      started.forEach(RedisNode::close);
      throw e;
    }
    return new RedisCluster(started);
  }

  public List<RedisNode> nodes() {
    return nodes;
  }

  /** Returns the nodes' {@code redis://host:port}. */
  public List<URI> uris() {
    return nodes.stream().map(RedisNode::uri).toList();
  }

  /** Returns the nodes' URIs separated by commas: the value of the job's {@code redis.uri}. */
  public String uriList() {
    return uris().stream().map(URI::toString).collect(Collectors.joining(","));
  }

  /** Returns the process ids of the nodes, in their order. */
  public List<Long> pids() {
    return nodes.stream().map(RedisNode::pid).toList();
  }

  /**
   * Waits until every node reports the cluster complete, as after {@link RedisNode#restart()}.
   *
   * @throws IllegalStateException if that takes longer than 30 s
   */
  public void awaitWhole() {
    awaitWhole(nodes);
  }

  @Override
  public void close() {
    nodes.forEach(RedisNode::close);
  }

  private static void form(List<RedisNode> nodes) {
    for (int i = 0; i < MASTERS; i++) {
      // A range of slots per node, sent slot by slot: ADDSLOTSRANGE is new in Redis 7.
      int[] slots = IntStream.range(i * SLOTS / MASTERS, (i + 1) * SLOTS / MASTERS).toArray();
      try (Jedis jedis = nodes.get(i).connect()) {
        jedis.clusterAddSlots(slots);
        jedis.clusterSetConfigEpoch(i + 1L);
      }
    }
    // After all have their epochs: a node that knows another one refuses to set its epoch.
    try (Jedis jedis = nodes.get(0).connect()) {
      for (RedisNode other : nodes.subList(1, nodes.size())) {
        jedis.clusterMeet(other.address().getHost(), other.port());
      }
    }
    awaitWhole(nodes);
    for (int i = MASTERS; i < nodes.size(); i++) {
      try (Jedis master = nodes.get(i - MASTERS).connect();
          Jedis replica = nodes.get(i).connect()) {
        replica.clusterReplicate(master.clusterMyId());
      }
    }
    awaitReplicas(nodes);
  }

  private static void awaitReplicas(List<RedisNode> nodes) {
    await(
        () ->
            nodes.subList(MASTERS, nodes.size()).stream()
                .allMatch(
                    node -> {
                      try (Jedis jedis = node.connect()) {
                        return jedis.info("replication").contains("master_link_status:up");
                      }
                    }),
        nodes);
  }

  private static void awaitWhole(List<RedisNode> nodes) {
    await(() -> nodes.stream().allMatch(n -> isComplete(n, nodes.size())), nodes);
  }

  private static void await(BooleanSupplier condition, List<RedisNode> nodes) {
    if (!Await.until(condition, FORM_TIMEOUT)) {
      throw new IllegalStateException(
          "the Redis Cluster did not form in %s; see %s"
              .formatted(FORM_TIMEOUT, nodes.get(0).log()));
    }
  }

  private static boolean isComplete(RedisNode node, int nodes) {
    try (Jedis jedis = node.connect()) {
      String info = jedis.clusterInfo();
      return info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:" + nodes);
    }
  }
}
