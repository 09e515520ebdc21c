package io.spanfold.buffer.memory;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;

/**
 * Asks all nodes that have slots for their memory.
 *
 * <p>Connects on first use. For use by one thread at a time, which it blocks for as long as the
 * timeouts of {@link ConnectionSettings} allow for one node.
 */
public final class MemoryProbe implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(MemoryProbe.class);

  private final ConnectionSettings settings;
  private final RetryPolicy retries;
  private RedisNodes nodes;

  /** Creates a probe; nothing is sent yet. */
  public MemoryProbe(ConnectionSettings settings) {
    this.settings = settings;
    this.retries = settings.retries();
  }

  /**
   * Asks all nodes.
   *
   * @return the answers in no particular order
   * @throws StoreException if a node does not answer
   */
  public List<NodeMemory> ask() {
    if (nodes == null) {
      nodes = RedisNodes.connect(settings, retries);
    }
    List<NodeMemory> answers = new ArrayList<>();
    for (HostAndPort node : nodes.all()) {
      try {
        answers.add(ask(node));
      } catch (RuntimeException e) {
        refresh();
        throw new StoreException("%s does not report its memory: %s".formatted(node, e), e);
      }
    }
    return answers;
  }

  private NodeMemory ask(HostAndPort node) {
    try (Connection connection = nodes.connect(node)) {
      connection.sendCommand(Protocol.Command.INFO, "memory");
      String info = connection.getBulkReply();
      return memory(node, info);
    }
  }

  /** After a failover another node has the slots. */
  private void refresh() {
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
