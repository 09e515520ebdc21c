package io.spanfold.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.MigrateParams;

/**
 * Moves slots of a cluster from one master to another while clients use them, as an operator does:
 * by {@code redis-cli --cluster reshard}, or by the same commands from here. For clusters without a
 * password and TLS, and for use by one thread at a time.
 *
 * <p>No move replaces a key that the target has already. Clients must not make one there while the
 * slot is moved; if one does, the move fails with BUSYKEY, as it does for an operator.
 */
public final class Resharding {

  /**
   * The system property with the path of redis-cli or valkey-cli, or {@code none} to move slots
   * from here.
   */
  public static final String CLI_PROPERTY = "spanfold.redis-cli";

  private static final String NONE = "none";
  private static final Duration SLOT_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration RESHARD_TIMEOUT = Duration.ofMinutes(4);
  private static final Duration AGREEMENT_TIMEOUT = Duration.ofSeconds(30);

  /** As redis-cli does by default. */
  private static final int KEYS_AT_ONCE = 10;

  private static final int MIGRATE_MILLIS = 20_000;

  /** The last bytes of redis-cli's output that an error message has. */
  private static final int OUTPUT_SHOWN = 2_000;

  private static final Pattern RANGE = Pattern.compile("\\d+(-\\d+)?");

  private final RedisCluster cluster;
  private final Optional<Path> cli;

  private Resharding(RedisCluster cluster, Optional<Path> cli) {
    this.cluster = cluster;
    this.cli = cli;
  }

  /**
   * Returns one that uses the program of {@value #CLI_PROPERTY}, otherwise redis-cli if it is on
   * the PATH, otherwise none.
   */
  public static Resharding of(RedisCluster cluster) {
    String given = System.getProperty(CLI_PROPERTY, "");
    if (given.equals(NONE)) {
      return new Resharding(cluster, Optional.empty());
    }
    return new Resharding(cluster, given.isBlank() ? onPath() : Optional.of(Path.of(given)));
  }

  /** Returns one that uses the program of {@value #CLI_PROPERTY} if that is set, otherwise none. */
  public static Resharding withoutSearch(RedisCluster cluster) {
    return System.getProperty(CLI_PROPERTY, "").isBlank()
        ? new Resharding(cluster, Optional.empty())
        : of(cluster);
  }

  private static Optional<Path> onPath() {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":"))
        .filter(directory -> !directory.isEmpty())
        .map(directory -> Path.of(directory, "redis-cli"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Returns whether {@link #reshard} runs redis-cli. */
  public boolean usesCli() {
    return cli.isPresent();
  }

  /** Returns the slots of a master, in ascending order, by its own word. */
  public List<Integer> slotsOf(RedisNode master) {
    Set<Integer> slots = new TreeSet<>();
    try (Jedis jedis = master.connect()) {
      String self = jedis.clusterMyId();
      for (String line : jedis.clusterNodes().split("\n")) {
        if (line.startsWith(self)) {
          for (String range : slotRanges(line)) {
            String[] ends = range.split("-");
            for (int slot = Integer.parseInt(ends[0]);
                slot <= Integer.parseInt(ends[ends.length - 1]);
                slot++) {
              slots.add(slot);
            }
          }
        }
      }
    }
    return List.copyOf(slots);
  }

  /** Returns the ranges of a line of CLUSTER NODES, without slots that are being moved. */
  private static List<String> slotRanges(String line) {
    String[] words = line.strip().split(" ");
    return Arrays.stream(words).skip(8).filter(word -> RANGE.matcher(word).matches()).toList();
  }

  /**
   * Moves the lowest {@code count} slots of a master.
   *
   * @throws IllegalStateException if it fails, or does not end within four minutes
   */
  public void reshard(RedisNode from, RedisNode to, int count) {
    // redis-cli refuses to work on a cluster whose nodes do not agree about the slots yet.
    awaitAgreement();
    if (cli.isPresent()) {
      runCli(cli.get(), from, to, count);
    } else {
      for (int slot : slotsOf(from).subList(0, count)) {
        move(slot, from, to);
      }
    }
    awaitAgreement();
  }

  /**
   * Moves one slot by commands from here.
   *
   * @throws IllegalStateException if it fails, or does not end within a minute
   */
  public void move(int slot, RedisNode from, RedisNode to) {
    long end = System.nanoTime() + SLOT_TIMEOUT.toNanos();
    MigrateParams plain = MigrateParams.migrateParams();
    try (Jedis source = from.connect();
        Jedis target = to.connect()) {
      String owner = target.clusterMyId();
      target.clusterSetSlotImporting(slot, source.clusterMyId());
      source.clusterSetSlotMigrating(slot, owner);
      List<byte[]> keys = keysIn(slot, source);
      while (!keys.isEmpty()) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException(
              "slot %d still has %d keys and more after %s"
                  .formatted(slot, keys.size(), SLOT_TIMEOUT));
        }
        // A key that has ended meanwhile is left out.
        source.migrate(
            to.address().getHost(), to.port(), MIGRATE_MILLIS, plain, keys.toArray(byte[][]::new));
        keys = keysIn(slot, source);
      }
      // The new owner first, so that the slot has an owner at any time.
      target.clusterSetSlotNode(slot, owner);
      source.clusterSetSlotNode(slot, owner);
      for (RedisNode other : masters()) {
        if (other != from && other != to) {
          try (Jedis jedis = other.connect()) {
            jedis.clusterSetSlotNode(slot, owner);
          }
        }
      }
    } catch (JedisException e) {
      throw new IllegalStateException(
          "cannot move slot %d from %s to %s: %s"
              .formatted(slot, from.address(), to.address(), e.getMessage()),
          e);
    }
  }

  private static List<byte[]> keysIn(int slot, Jedis node) {
    return node.clusterGetKeysInSlotBinary(slot, KEYS_AT_ONCE);
  }

  /** Returns the nodes that are masters. */
  public List<RedisNode> masters() {
    List<RedisNode> masters = new ArrayList<>();
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        if (jedis.info("replication").contains("role:master")) {
          masters.add(node);
        }
      }
    }
    return masters;
  }

  private void runCli(Path program, RedisNode from, RedisNode to, int count) {
    List<String> command =
        List.of(
            program.toString(),
            "--cluster",
            "reshard",
            from.address().toString(),
            "--cluster-from",
            id(from),
            "--cluster-to",
            id(to),
            "--cluster-slots",
            String.valueOf(count),
            "--cluster-yes");
    try {
      Path output = Files.createTempFile(from.directory(), "reshard", ".log");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(RESHARD_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
      if (!ended) {
        process.destroyForcibly().waitFor();
      }
      String text = Files.readString(output, UTF_8);
      if (!ended || process.exitValue() != 0) {
        throw new IllegalStateException(
            "%s %s: ...%s"
                .formatted(
                    String.join(" ", command),
                    ended
                        ? "failed with code " + process.exitValue()
                        : "did not end in " + RESHARD_TIMEOUT,
                    text.substring(Math.max(0, text.length() - OUTPUT_SHOWN))));
      }
      Files.delete(output);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + program, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while slots are moved", e);
    }
  }

  private static String id(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      return jedis.clusterMyId();
    }
  }

  /**
   * Waits until all nodes report the same owners of all slots, and no slot is being moved.
   *
   * @throws IllegalStateException if that takes longer than 30 s
   */
  public void awaitAgreement() {
    cluster.awaitWhole();
    if (!Await.until(this::isAgreed, AGREEMENT_TIMEOUT)) {
      throw new IllegalStateException(
          "the nodes do not agree about the slots after " + AGREEMENT_TIMEOUT);
    }
  }

  private boolean isAgreed() {
    Set<Set<String>> views = new HashSet<>();
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        Set<String> view = new HashSet<>();
        for (String line : jedis.clusterNodes().split("\n")) {
          if (line.contains("[")) {
            return false;
          }
          List<String> ranges = slotRanges(line);
          if (!ranges.isEmpty()) {
            view.add(line.substring(0, line.indexOf(' ')) + ranges);
          }
        }
        views.add(view);
      } catch (JedisException e) {
        return false;
      }
    }
    return views.size() == 1;
  }
}
