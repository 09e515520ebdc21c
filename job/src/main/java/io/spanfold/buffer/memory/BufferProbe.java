package io.spanfold.buffer.memory;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisConnector;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * Asks all nodes that have keys, once, whether they are fit for a job. Connects to each by itself,
 * as the client that the job uses does not begin where a cluster is not whole.
 */
public final class BufferProbe {

  /** Of keys that are tried for one that a node has; some nodes have few slots. */
  private static final int KEYS_TRIED = 200_000;

  /** A key that was written is gone by itself after this. */
  private static final long KEY_MILLIS = 1_000;

  private BufferProbe() {}

  /**
   * Asks. Takes as long as the settings allow for finding the nodes, and for an answer of each;
   * writes a key of some bytes to each, which stays for a second.
   *
   * @throws StoreException where none of the addresses answers, or lets us in
   */
  public static BufferState ask(ConnectionSettings settings) {
    Map<HostAndPort, BitSet> slots =
        RedisConnector.tryOn(
            settings, RetryPolicy.within(settings.timeouts().retries()), BufferProbe::slotsByNode);
    BitSet covered = new BitSet();
    List<NodeState> states = new ArrayList<>();
    slots.forEach(
        (node, own) -> {
          covered.or(own);
          states.add(ask(settings, node, own));
        });
    return new BufferState(covered.cardinality(), states);
  }

  private static Map<HostAndPort, BitSet> slotsByNode(ConnectionSettings settings) {
    return RedisNodes.askFirst(
        settings,
        (node, jedis) -> {
          Map<HostAndPort, BitSet> slots = new LinkedHashMap<>();
          if (RedisNodes.isCluster(settings, node, jedis)) {
            List<?> ranges = (List<?>) jedis.sendCommand(Protocol.Command.CLUSTER, "SLOTS");
            ranges.forEach(range -> add((List<?>) range, node, slots));
          } else {
            slots.computeIfAbsent(node, own -> new BitSet()).set(0, BufferState.ALL_SLOTS);
          }
          return slots;
        });
  }

  /** Adds an answer's range: its first slot, its last, its primary, and the replicas. */
  private static void add(List<?> range, HostAndPort asked, Map<HostAndPort, BitSet> slots) {
    List<?> primary = (List<?>) range.get(2);
    String host = new String((byte[]) primary.get(0), UTF_8);
    int port = ((Long) primary.get(1)).intValue();
    slots
        // A node that does not know its own address leaves it out.
        .computeIfAbsent(
            new HostAndPort(host.isEmpty() ? asked.getHost() : host, port), own -> new BitSet())
        .set(((Long) range.get(0)).intValue(), ((Long) range.get(1)).intValue() + 1);
  }

  private static NodeState ask(ConnectionSettings settings, HostAndPort node, BitSet slots) {
    try (Jedis jedis = new Jedis(node, RedisNodes.clientConfig(settings))) {
      String info = jedis.info("memory");
      return new NodeState(
          node.toString(),
          Optional.of(MemoryProbe.memory(node, info)),
          MemoryProbe.text(info, "maxmemory_policy"),
          Optional.empty(),
          refusedWrite(jedis, slots));
    } catch (JedisException e) {
      return new NodeState(
          node.toString(),
          Optional.empty(),
          Optional.empty(),
          Optional.of(String.valueOf(e.getMessage())),
          Optional.empty());
    }
  }

  private static Optional<String> refusedWrite(Jedis jedis, BitSet slots) {
    Optional<byte[]> key = keyIn(slots);
    if (key.isEmpty()) {
      return Optional.empty();
    }
    try {
      jedis.set(key.get(), key.get(), SetParams.setParams().px(KEY_MILLIS));
      return Optional.empty();
    } catch (JedisException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /** Returns a key in one of these slots; empty where none is found. */
  private static Optional<byte[]> keyIn(BitSet slots) {
    for (int i = 0; i < KEYS_TRIED; i++) {
      byte[] key = (RedisKeys.PREFIX + "check:" + i).getBytes(US_ASCII);
      if (slots.get(JedisClusterCRC16.getSlot(key))) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }
}
