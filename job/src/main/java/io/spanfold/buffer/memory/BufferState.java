package io.spanfold.buffer.memory;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisFailure;
import io.spanfold.buffer.redis.RedisNodes;
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
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * The state of a Redis: that of all nodes that have slots. Each is queried over a connection of its
 * own, because the job's client does not start if the cluster does not cover all slots.
 *
 * @param slots the number of slots that some node has, of {@link #ALL_SLOTS}
 * @param nodes the nodes that have slots
 */
public record BufferState(int slots, List<NodeState> nodes) {

  /** The slots of a cluster; a single node counts as having all of them. */
  public static final int ALL_SLOTS = 16_384;

  /** Copies the list. */
  public BufferState {
    nodes = List.copyOf(nodes);
  }

  /**
   * The state of a node.
   *
   * @param node its address
   * @param memory empty if it does not report it
   * @param evictionPolicy its {@code maxmemory-policy}; empty if it does not report it
   * @param silence its reason not to report its memory; empty if it does
   * @param refusedWrite its reason to refuse a small key; empty if it accepts it, or could not be
   *     tried
   */
  public record NodeState(
      String node,
      Optional<NodeMemory> memory,
      Optional<String> evictionPolicy,
      Optional<String> silence,
      Optional<String> refusedWrite) {

    /** Returns whether it refuses writes only because it has no memory left, which passes. */
    public boolean full() {
      return refusedWrite.filter(RedisFailure::isFull).isPresent();
    }
  }

  /**
   * Queries all nodes, once. Takes at most the timeouts for finding the nodes and for one answer of
   * each. Writes a key of some bytes to each, which expires after a second.
   *
   * @throws StoreException if none of the addresses answers, or the login is refused
   */
  public static BufferState ask(ConnectionSettings settings) {
    Map<HostAndPort, BitSet> slots =
        RedisNodes.askFirst(
            settings, settings.retries(), (node, jedis) -> slotsByNode(settings, node, jedis));
    BitSet covered = new BitSet();
    List<NodeState> states = new ArrayList<>();
    slots.forEach(
        (node, own) -> {
          covered.or(own);
          states.add(ask(settings, node, own));
        });
    return new BufferState(covered.cardinality(), states);
  }

  private static Map<HostAndPort, BitSet> slotsByNode(
      ConnectionSettings settings, HostAndPort node, Jedis jedis) {
    Map<HostAndPort, BitSet> slots = new LinkedHashMap<>();
    if (RedisNodes.isCluster(settings, node, jedis)) {
      List<?> ranges = (List<?>) jedis.sendCommand(Protocol.Command.CLUSTER, "SLOTS");
      ranges.forEach(range -> add((List<?>) range, node, slots));
    } else {
      slots.computeIfAbsent(node, own -> new BitSet()).set(0, ALL_SLOTS);
    }
    return slots;
  }

  /** Adds a range of {@code CLUSTER SLOTS}: first slot, last slot, primary, replicas. */
  private static void add(List<?> range, HostAndPort asked, Map<HostAndPort, BitSet> slots) {
    List<?> primary = (List<?>) range.get(2);
    String host = new String((byte[]) primary.get(0), UTF_8);
    int port = ((Long) primary.get(1)).intValue();
    slots
        // A node that does not know its own address reports none.
        .computeIfAbsent(
            new HostAndPort(host.isEmpty() ? asked.getHost() : host, port), own -> new BitSet())
        .set(((Long) range.get(0)).intValue(), ((Long) range.get(1)).intValue() + 1);
  }

  private static NodeState ask(ConnectionSettings settings, HostAndPort node, BitSet slots) {
    try (Jedis jedis = new Jedis(node, RedisNodes.clientConfig(settings))) {
      String info = jedis.info("memory");
      return new NodeState(
          node.toString(),
          Optional.of(NodeProbe.memory(node, info)),
          NodeProbe.text(info, "maxmemory_policy"),
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
    Optional<byte[]> key = WriteCheck.key(each -> slots.get(JedisClusterCRC16.getSlot(each)));
    if (key.isEmpty()) {
      return Optional.empty();
    }
    try {
      jedis.getConnection().sendCommand(WriteCheck.command(key.get()));
      jedis.getConnection().getStatusCodeReply();
      return Optional.empty();
    } catch (JedisException e) {
      // The slot is being moved: that says nothing about the node.
      return RedisFailure.of(e) == RedisFailure.MOVED
          ? Optional.empty()
          : Optional.of(String.valueOf(e.getMessage()));
    }
  }
}
