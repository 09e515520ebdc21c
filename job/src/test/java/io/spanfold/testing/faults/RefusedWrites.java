package io.spanfold.testing.faults;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisException;

/** A Redis that refuses writes for one reason, until it is made to accept them again. */
public final class RefusedWrites implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A loading node looks at its clients only after every 2 MB that it has read. */
  private static final int BALLAST_BYTES = 2_200_000;

  private static final int BALLAST_KEYS = 20;
  private static final int MICROS_A_KEY = 300_000;

  /** A slot that no key of a small test is in. */
  private static final int EMPTY_SLOT = 16_383;

  private final Reason reason;
  private final Path directory;
  private final RedisCluster cluster;
  private final RedisNode node;
  private Thread loading;

  /** The reasons; each is the first word of the error. */
  public enum Reason {
    NOREPLICAS,
    MISCONF,
    READONLY,
    LOADING,
    CLUSTERDOWN
  }

  /** Starts a Redis that accepts writes: a cluster if only a cluster has this reason. */
  public RefusedWrites(Reason reason, Path directory) {
    this.reason = reason;
    this.directory = directory;
    this.cluster = reason == Reason.CLUSTERDOWN ? RedisCluster.start(directory) : null;
    this.node = cluster == null ? RedisNode.start(RedisNode.Options.in(directory)) : null;
  }

  /** Returns its addresses. */
  public List<URI> uris() {
    return cluster == null ? List.of(node.uri()) : cluster.uris();
  }

  /** Makes it refuse. */
  public void begin() throws IOException {
    switch (reason) {
      case NOREPLICAS -> configure("min-replicas-to-write", "1");
      case MISCONF -> {
        // A directory in the place of the file stops a server that runs as root, too.
        Files.createDirectory(directory.resolve("dump.rdb"));
        configure("save", "3600 1");
        try (Jedis jedis = node.connect()) {
          jedis.bgsave();
          await(() -> jedis.info("persistence").contains("rdb_last_bgsave_status:err"));
        }
      }
      case READONLY -> {
        try (Jedis jedis = node.connect()) {
          // Of a master that does not answer, so that it keeps its data.
          jedis.replicaof(node.address().getHost(), 1);
        }
      }
      case LOADING -> load();
      case CLUSTERDOWN -> {
        for (RedisNode each : cluster.nodes()) {
          try (Jedis jedis = each.connect()) {
            jedis.clusterDelSlots(EMPTY_SLOT);
          }
        }
        await(() -> !isWhole());
      }
    }
  }

  /** Makes it accept writes again. */
  public void end() throws Exception {
    switch (reason) {
      case NOREPLICAS -> configure("min-replicas-to-write", "0");
      case MISCONF -> configure("save", "");
      case READONLY -> {
        try (Jedis jedis = node.connect()) {
          jedis.replicaofNoOne();
        }
      }
      case LOADING -> loading.join();
      case CLUSTERDOWN -> {
        try (Jedis jedis = cluster.nodes().get(2).connect()) {
          jedis.clusterAddSlots(EMPTY_SLOT);
        }
        cluster.awaitWhole();
      }
    }
  }

  /** Has the node save its data and load them again, slowly; it accepts writes after that. */
  private void load() {
    try (Jedis jedis = node.connect()) {
      for (int i = 0; i < BALLAST_KEYS; i++) {
        jedis.set(("ballast:" + i).getBytes(US_ASCII), noise());
      }
    }
    configure("key-load-delay", Integer.toString(MICROS_A_KEY));
    loading =
        new Thread(
            () -> {
              try (Jedis jedis = node.connect()) {
                jedis.sendCommand(() -> "DEBUG".getBytes(US_ASCII), "RELOAD");
              } catch (JedisException e) {
                // The test sees whether it has loaded.
                System.out.println("DEBUG RELOAD: " + e.getMessage());
              }
            });
    loading.start();
    await(this::isLoading);
  }

  private boolean isLoading() {
    try (Jedis jedis = node.connect()) {
      return jedis.info("persistence").contains("loading:1");
    }
  }

  private boolean isWhole() {
    return cluster.nodes().stream()
        .anyMatch(
            each -> {
              try (Jedis jedis = each.connect()) {
                return jedis.clusterInfo().contains("cluster_state:ok");
              }
            });
  }

  private static byte[] noise() {
    byte[] bytes = new byte[BALLAST_BYTES];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  private void configure(String parameter, String value) {
    try (Jedis jedis = node.connect()) {
      jedis.configSet(parameter, value);
    }
  }

  private static void await(BooleanSupplier condition) {
    if (!Await.until(condition, PATIENCE)) {
      throw new AssertionError("Redis did not do what it was made to do in " + PATIENCE);
    }
  }

  @Override
  public void close() {
    if (cluster == null) {
      node.close();
    } else {
      cluster.close();
    }
  }
}
