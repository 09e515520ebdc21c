package io.spanfold.buffer.memory;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisFailure;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Asks all nodes that have slots for their memory, and whether they accept writes.
 *
 * <p>Connects on first use. For use by one thread at a time, which it blocks for as long as the
 * timeouts of {@link ConnectionSettings} allow for one node.
 */
public final class NodeProbe implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(NodeProbe.class);

  private static final Set<RedisFailure> REFUSALS = Set.of(RedisFailure.FULL, RedisFailure.REFUSED);

  private final ConnectionSettings settings;
  private final RetryPolicy retries;

  /** What is written to each node. */
  private final Map<HostAndPort, Optional<byte[]>> keys = new HashMap<>();

  private RedisNodes nodes;

  /**
   * The answer of a node.
   *
   * @param memory its memory
   * @param refusal why it refuses writes now; empty if it accepts them, could not be tried, or its
   *     refusal would not pass
   */
  public record Answer(NodeMemory memory, Optional<String> refusal) {

    /** Returns whether it refuses writes because it has no memory left. */
    public boolean full() {
      return refusal.filter(RedisFailure::isFull).isPresent();
    }
  }

  /** Creates a probe; nothing is sent yet. */
  public NodeProbe(ConnectionSettings settings) {
    this.settings = settings;
    this.retries = settings.retries();
  }

  /**
   * Asks all nodes, and writes a key of some bytes to each.
   *
   * @return the answers in no particular order
   * @throws StoreException if a node does not answer
   */
  public List<Answer> ask() {
    if (nodes == null) {
      nodes = RedisNodes.connect(settings, retries);
    }
    List<Answer> answers = new ArrayList<>();
    boolean moved = false;
    for (HostAndPort node : nodes.all()) {
      try (Connection connection = nodes.connect(node)) {
        connection.sendCommand(Protocol.Command.INFO, "memory");
        NodeMemory memory = memory(node, connection.getBulkReply());
        Optional<RuntimeException> failure = write(node, connection);
        Optional<RedisFailure> kind = failure.map(RedisFailure::of);
        moved |= kind.filter(each -> each == RedisFailure.MOVED).isPresent();
        boolean refused = kind.filter(REFUSALS::contains).isPresent();
        answers.add(
            new Answer(memory, failure.filter(each -> refused).map(RuntimeException::getMessage)));
      } catch (RuntimeException e) {
        refresh();
        throw new StoreException("%s does not report its memory: %s".formatted(node, e), e);
      }
    }
    if (moved) {
      refresh();
    }
    return answers;
  }

  /** Returns what a write failed with. */
  private Optional<RuntimeException> write(HostAndPort node, Connection connection) {
    Optional<byte[]> key =
        keys.computeIfAbsent(node, any -> WriteCheck.key(each -> isOn(node, each)));
    if (key.isEmpty()) {
      return Optional.empty();
    }
    connection.sendCommand(WriteCheck.command(key.get()));
    try {
      connection.getStatusCodeReply();
      return Optional.empty();
    } catch (JedisDataException e) {
      return Optional.of(e);
    }
  }

  /** Returns whether a node has a key; false if no node is known to have it. */
  private boolean isOn(HostAndPort node, byte[] key) {
    try {
      return nodes.nodeOf(key).equals(node);
    } catch (JedisException e) {
      return false;
    }
  }

  /** After a failover, or a move of slots, another node has them. */
  private void refresh() {
    keys.clear();
    try {
      nodes.refresh();
    } catch (RuntimeException e) {
      LOG.debug("Cannot refresh the nodes either", e);
    }
  }

  /** Reads the answer to {@code INFO memory}. */
  static NodeMemory memory(HostAndPort node, String info) {
    return new NodeMemory(node.toString(), number(info, "used_memory"), number(info, "maxmemory"));
  }

  private static long number(String info, String name) {
    return text(info, name)
        .map(Long::parseLong)
        .orElseThrow(() -> new IllegalStateException("INFO memory has no " + name));
  }

  /** Returns a field of an answer to {@code INFO}. */
  static Optional<String> text(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst();
  }

  @Override
  public void close() {
    if (nodes != null) {
      nodes.close();
    }
  }
}
