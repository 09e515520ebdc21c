package io.spanfold.buffer.memory;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisConnector;
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
 * Asks the nodes that have keys how full they are.
 *
 * <p>Connects when it is first used. For use by one thread at a time, which it blocks for as long
 * as {@link ConnectionSettings} allow for one node.
 */
public final class MemoryProbe implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(MemoryProbe.class);

  private final ConnectionSettings settings;
  private final RetryPolicy retries;
  private RedisNodes nodes;

  /** Makes a probe; nothing is sent yet. */
  public MemoryProbe(ConnectionSettings settings) {
    this.settings = settings;
    this.retries = RetryPolicy.within(settings.timeouts().retries());
  }

  /**
   * Asks all nodes.
   *
   * @return what each has, in no order
   * @throws StoreException where one does not answer
   */
  public List<NodeMemory> ask() {
    if (nodes == null) {
      nodes = RedisConnector.connect(settings, retries);
    }
    List<NodeMemory> answers = new ArrayList<>();
    for (HostAndPort node : nodes.all()) {
      try {
        answers.add(ask(node));
      } catch (RuntimeException e) {
        lookAgain();
        throw new StoreException("%s does not tell its memory: %s".formatted(node, e), e);
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

  /** Another node may have taken over meanwhile. */
  private void lookAgain() {
    try {
      nodes.refresh();
    } catch (RuntimeException e) {
      LOG.debug("Cannot ask for the nodes either", e);
    }
  }

  /** Reads how full a node is out of its answer to {@code INFO memory}. */
  static NodeMemory memory(HostAndPort node, String info) {
    return new NodeMemory(node.toString(), number(info, "used_memory"), number(info, "maxmemory"));
  }

  private static long number(String info, String name) {
    return text(info, name)
        .map(Long::parseLong)
        .orElseThrow(() -> new IllegalStateException("INFO memory has no " + name));
  }

  /** Returns a field of an answer to {@code INFO}; empty where it is not there. */
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
