package io.spanfold.local.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.embedded.Resharding;
import io.spanfold.local.cli.FailedRunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.util.JedisClusterCRC16;

/** Has nodes refuse writes for a while, each time for another reason. */
final class RedisRefusals {

  /** How long a refusal lasts at most. */
  static final Duration LONGEST = Duration.ofSeconds(40);

  private static final Duration SHORTEST = Duration.ofSeconds(20);
  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  /** More than any master has. */
  private static final String REPLICAS = "5";

  /** How long a node loads. It answers as long as its neighbours do not declare it failed. */
  private static final Duration LOADING = Duration.ofSeconds(16);

  /**
   * A loading node answers its clients after each 2 MB that it has read, which is no setting of
   * Redis 6.2. What is buffered has less; so these keys are loaded too.
   */
  private static final int BALLAST_KEYS = 32;

  private static final int BALLAST_BYTES = 2_200_000;
  private static final long BALLAST_SECONDS = 300;

  private final RedisCluster cluster;
  private final Resharding slots;
  private final Random random;
  private final Deque<Kind> queue = new ArrayDeque<>();

  /** Why a node refuses writes. The names are the first words of the errors, except for one. */
  enum Kind {
    /** All nodes need more replicas than there are. */
    NOREPLICAS,
    /** A background save of a node has failed. */
    MISCONF,
    /**
     * A master becomes a replica, and later the master again. In a cluster, a replica answers MOVED
     * to a command that has a key, and not READONLY.
     */
    READONLY,
    /** A node loads its data. */
    LOADING,
    /** A slot has no owner, to one node or to all. */
    CLUSTERDOWN
  }

  RedisRefusals(RedisCluster cluster, Random random) {
    this.cluster = cluster;
    this.slots = Resharding.of(cluster);
    this.random = random;
  }

  /** Injects one kind, and takes it back; returns what was done. Each kind comes in turn. */
  String refuse() {
    if (queue.isEmpty()) {
      List<Kind> kinds = Arrays.asList(Kind.values());
      Collections.shuffle(kinds, random);
      queue.addAll(kinds);
    }
    Kind kind = queue.remove();
    String error = kind == Kind.READONLY ? "MOVED" : kind.name();
    long before = errors(error);
    switch (kind) {
      case NOREPLICAS -> demandReplicas();
      case MISCONF -> failToSave(pick(slots.masters()));
      case READONLY -> swapRoles();
      case LOADING -> load(pick(slots.masters()));
      case CLUSTERDOWN -> disownSlot();
    }
    cluster.awaitWhole();
    return "%s, answered %d times with %s".formatted(kind, errors(error) - before, error);
  }

  private void hold() {
    Await.millis(random.nextLong(SHORTEST.toMillis(), LONGEST.toMillis()));
  }

  private void demandReplicas() {
    try {
      configure("min-replicas-to-write", REPLICAS);
      hold();
    } finally {
      configure("min-replicas-to-write", "0");
    }
  }

  private void configure(String parameter, String value) {
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        jedis.configSet(parameter, value);
      }
    }
  }

  /** A directory in place of the file: permissions would not stop a server that runs as root. */
  private void failToSave(RedisNode node) {
    Path dump = dump(node);
    try (Jedis jedis = node.connect()) {
      Files.deleteIfExists(dump);
      Files.createDirectory(dump);
      try {
        jedis.configSet("save", "3600 1");
        jedis.bgsave();
        await(
            () -> jedis.info("persistence").contains("rdb_last_bgsave_status:err"),
            node.address() + " saves into a directory");
        hold();
      } finally {
        jedis.configSet("save", "");
        Files.delete(dump);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot replace " + dump, e);
    }
  }

  /** What a node would load when it is restarted: it is to come back empty. */
  private static Path dump(RedisNode node) {
    return node.directory().resolve("dump.rdb");
  }

  private void swapRoles() {
    RedisNode replica =
        pick(cluster.nodes().stream().filter(n -> !slots.masters().contains(n)).toList());
    RedisNode master = masterOf(replica);
    takeOver(replica);
    try {
      hold();
    } finally {
      takeOver(master);
    }
  }

  private static void takeOver(RedisNode replica) {
    await(
        () -> replication(replica).contains("master_link_status:up"),
        replica.address() + " is no replica of a master that answers");
    try (Jedis jedis = replica.connect()) {
      jedis.clusterFailover();
    }
    await(
        () -> replication(replica).contains("role:master"),
        replica.address() + " did not become a master");
  }

  private RedisNode masterOf(RedisNode replica) {
    String link = replication(replica);
    return cluster.nodes().stream()
        .filter(node -> link.contains("master_port:%d\r\n".formatted(node.port())))
        .findFirst()
        .orElseThrow(() -> new FailedRunException("no node is the master of " + replica.address()));
  }

  private static String replication(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      return jedis.info("replication");
    }
  }

  /** Has a node save its data and load them again, slowly. */
  private void load(RedisNode node) {
    List<String> ballast = ballast(node);
    try (Jedis jedis = node.connect()) {
      try {
        for (String key : ballast) {
          byte[] value = new byte[BALLAST_BYTES];
          random.nextBytes(value);
          // Without it, an interrupted run would keep them.
          jedis.set(key.getBytes(US_ASCII), value, SetParams.setParams().ex(BALLAST_SECONDS));
        }
        long pause = LOADING.toNanos() / 1_000 / jedis.dbSize();
        jedis.configSet("key-load-delay", String.valueOf(pause));
        jedis.sendCommand(() -> "DEBUG".getBytes(US_ASCII), "RELOAD");
      } finally {
        jedis.configSet("key-load-delay", "0");
        jedis.unlink(ballast.toArray(String[]::new));
        Files.deleteIfExists(dump(node));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + dump(node), e);
    }
  }

  /** Returns keys in one slot of a node. */
  private List<String> ballast(RedisNode node) {
    List<Integer> own = slots.slotsOf(node);
    int tag = 0;
    while (Collections.binarySearch(own, JedisClusterCRC16.getSlot(String.valueOf(tag))) < 0) {
      tag++;
    }
    int found = tag;
    return IntStream.range(0, BALLAST_KEYS)
        .mapToObj(i -> "ballast:{%d}:%d".formatted(found, i))
        .toList();
  }

  /** Takes an empty slot from its owner, as one node sees it or as all do. */
  private void disownSlot() {
    List<RedisNode> masters = slots.masters();
    RedisNode owner = pick(masters);
    List<RedisNode> disowning = random.nextBoolean() ? List.of(owner) : masters;
    int slot = emptySlot(owner);
    try {
      for (RedisNode node : disowning) {
        try (Jedis jedis = node.connect()) {
          jedis.clusterDelSlots(slot);
        }
      }
      hold();
    } finally {
      // The others learn it from the owner.
      try (Jedis jedis = owner.connect()) {
        jedis.clusterAddSlots(slot);
      }
    }
  }

  private int emptySlot(RedisNode owner) {
    List<Integer> own = slots.slotsOf(owner);
    try (Jedis jedis = owner.connect()) {
      return own.stream()
          .filter(slot -> jedis.clusterCountKeysInSlot(slot) == 0)
          .findFirst()
          .orElseThrow(() -> new FailedRunException(owner.address() + " has no empty slot"));
    }
  }

  /** Returns how often all nodes have answered with errors that begin with this word. */
  private long errors(String word) {
    Pattern count = Pattern.compile("errorstat_" + word + ":count=(\\d+)");
    long sum = 0;
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        Matcher found = count.matcher(jedis.info("errorstats"));
        sum += found.find() ? Long.parseLong(found.group(1)) : 0;
      }
    }
    return sum;
  }

  private RedisNode pick(List<RedisNode> nodes) {
    return nodes.get(random.nextInt(nodes.size()));
  }

  private static void await(BooleanSupplier condition, String complaint) {
    if (!Await.until(condition, TIMEOUT)) {
      throw new FailedRunException(complaint);
    }
  }
}
