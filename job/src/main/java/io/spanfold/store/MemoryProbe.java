package io.spanfold.store;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;

/**
 * Asks the nodes that have keys how full they are.
 *
 * <p>Connects when it is first used. For use by one thread at a time, which it blocks for as long
 * as {@link StoreSettings} allow for one node.
 */
public final class MemoryProbe implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(MemoryProbe.class);

  private final StoreSettings settings;
  private final RetryPolicy retries;
  private RedisNodes nodes;

  /** Makes a probe; nothing is sent yet. */
  public MemoryProbe(StoreSettings settings) {
    this.settings = settings;
    this.retries = RetryPolicy.within(settings.retryBudget());
  }

  /**
   * Asks all nodes.
   *
   * @return what each has, in no order
   * @throws StoreException where one does not answer
   */
  public List<NodeMemory> ask() {
    if (nodes == null) {
      nodes = StoreConnector.connect(settings, retries);
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
      return new NodeMemory(node.toString(), field(info, "used_memory"), field(info, "maxmemory"));
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

  static long field(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name + ":"))
        .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1).strip()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("INFO memory has no " + name));
  }

  @Override
  public void close() {
    if (nodes != null) {
      nodes.close();
    }
  }
}
