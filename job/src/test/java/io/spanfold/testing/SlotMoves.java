package io.spanfold.testing;

import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.embedded.Resharding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * Moves slots that have keys of the buffer from master to master: one by one, or many at a time by
 * redis-cli if {@link Resharding#CLI_PROPERTY} names it. For use by one thread.
 */
public final class SlotMoves {

  /** For how long slots are moved one by one. */
  private static final Duration ONE_BY_ONE = Duration.ofSeconds(20);

  /** How often redis-cli moves slots. */
  private static final int RESHARDS = 3;

  /** Slots that are moved to one master, and how often that is done, if time is short. */
  private static final int SLOTS_AT_ONCE = 20;

  private static final int LEAST_SERIES = 6;

  /** The most that redis-cli moves at once: it takes some ms for each, also if it has no keys. */
  private static final int MOST_OF_A_RESHARD = 1_600;

  private final RedisCluster cluster;
  private final Resharding resharding;
  private final Random random;
  private final Map<String, Long> kinds = new TreeMap<>();
  private long moves;
  private long longestMillis;

  public SlotMoves(RedisCluster cluster, Random random) {
    this.cluster = cluster;
    this.resharding = Resharding.withoutSearch(cluster);
    this.random = random;
  }

  /**
   * Moves slots for 20 s, or three times by redis-cli, or until {@code ended}.
   *
   * @throws IllegalStateException if a move fails or does not end
   */
  public void run(BooleanSupplier ended) {
    if (resharding.usesCli()) {
      for (int i = 0; i < RESHARDS && !ended.getAsBoolean(); i++) {
        reshard(cluster.nodes().get(i % 3), cluster.nodes().get((i + 1) % 3));
      }
    } else {
      long end = System.nanoTime() + ONE_BY_ONE.toNanos();
      int next = 0;
      while ((System.nanoTime() < end || next < LEAST_SERIES) && !ended.getAsBoolean()) {
        moveSome(cluster.nodes().get(next % 3), Set.of());
        next++;
      }
    }
  }

  /**
   * Moves slots until {@code ended}, but each only once, as an operator does who adds a master.
   *
   * @throws IllegalStateException if a move fails or does not end
   */
  public void runOnce(BooleanSupplier ended) {
    int first = random.nextInt(3);
    if (resharding.usesCli()) {
      reshard(cluster.nodes().get(first), cluster.nodes().get((first + 1) % 3));
      return;
    }
    Set<Integer> done = new HashSet<>();
    for (int i = first; !ended.getAsBoolean(); i++) {
      done.addAll(moveSome(cluster.nodes().get(i % 3), done));
    }
  }

  /** Returns whether redis-cli moves them. It takes the lowest ones, so the lease may stay. */
  public boolean byCli() {
    return resharding.usesCli();
  }

  /** Returns the kinds of the keys whose slots were moved, as {@code t}. */
  public Set<String> kinds() {
    return kinds.keySet();
  }

  /**
   * Moves some slots to one master. Slots are not moved to another one before all nodes agree:
   * otherwise they may disagree for long about which master has a slot.
   */
  private Set<Integer> moveSome(RedisNode from, Set<Integer> without) {
    List<RedisNode> others = new ArrayList<>(cluster.nodes());
    others.remove(from);
    RedisNode to = others.get(random.nextInt(others.size()));
    Map<Integer, Set<String>> kindsOf = kindsOf(from);
    kindsOf.keySet().removeAll(without);
    Set<Integer> chosen = new LinkedHashSet<>();
    // As many of each kind, although most keys are payloads with a slot of their own.
    Map<String, List<Integer>> slotsOf = new TreeMap<>();
    kindsOf.forEach(
        (slot, words) ->
            words.forEach(
                word -> slotsOf.computeIfAbsent(word, any -> new ArrayList<>()).add(slot)));
    List<String> words = List.copyOf(slotsOf.keySet());
    for (int i = 0; i < SLOTS_AT_ONCE && !words.isEmpty(); i++) {
      List<Integer> candidates = slotsOf.get(words.get(i % words.size()));
      chosen.add(candidates.get(random.nextInt(candidates.size())));
    }
    resharding.awaitAgreement();
    for (int slot : chosen) {
      long begin = System.nanoTime();
      resharding.move(slot, from, to);
      moved(begin, kindsOf.get(slot));
    }
    return chosen;
  }

  private void reshard(RedisNode from, RedisNode to) {
    Map<Integer, Set<String>> kindsOf = kindsOf(from);
    List<Integer> own = resharding.slotsOf(from);
    // The lowest slots are moved: as many that each kind is among them, if possible.
    Map<String, Integer> first = new HashMap<>();
    for (int i = 0; i < own.size(); i++) {
      for (String word : kindsOf.getOrDefault(own.get(i), Set.of())) {
        first.putIfAbsent(word, i + 1);
      }
    }
    if (first.isEmpty()) {
      return;
    }
    int count = Math.min(Collections.max(first.values()), MOST_OF_A_RESHARD);
    Set<String> words = new HashSet<>();
    own.subList(0, count).forEach(slot -> words.addAll(kindsOf.getOrDefault(slot, Set.of())));
    long begin = System.nanoTime();
    resharding.reshard(from, to, count);
    moved(begin, words);
    moves += count - 1;
  }

  private void moved(long beginNanos, Set<String> words) {
    moves++;
    longestMillis = Math.max(longestMillis, (System.nanoTime() - beginNanos) / 1_000_000);
    words.forEach(word -> kinds.merge(word, 1L, Long::sum));
  }

  /** Returns the kinds of keys in each slot of a node. */
  private static Map<Integer, Set<String>> kindsOf(RedisNode node) {
    Map<Integer, Set<String>> kinds = new HashMap<>();
    try (Jedis jedis = node.connect()) {
      for (String key : jedis.keys(RedisKeys.PREFIX + "*")) {
        kinds
            .computeIfAbsent(JedisClusterCRC16.getSlot(key), any -> new HashSet<>())
            .add(BufferKey.word(key));
      }
    }
    return kinds;
  }

  @Override
  public String toString() {
    return "%d slots were moved, %s, the longest move took %d ms; moves by kind of key: %s"
        .formatted(
            moves, resharding.usesCli() ? "by redis-cli" : "one by one", longestMillis, kinds);
  }
}
