package io.spanfold.buffer.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.params.ScanParams;

/**
 * Scans the keys of all nodes, page by page. A key that exists during the whole scan is returned at
 * least once. If a node does not answer or is replaced, the scan starts again from the first node.
 * Keys in slots that are being moved may be missed by one pass over the nodes, but not by two.
 *
 * <p>A scan costs about a millisecond for each thousand keys of any name.
 */
public final class KeyScan {

  private static final Logger LOG = LoggerFactory.getLogger(KeyScan.class);

  /** Keys that a node examines in one call. */
  private static final String COUNT = "1000";

  private final RedisNodes nodes;
  private final RetryPolicy retries;
  private final String pattern;
  private final Deque<HostAndPort> left = new ArrayDeque<>();
  private byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
  private boolean again;

  /** Creates a scan of the keys that begin with {@code prefix}, a pattern of {@code SCAN}. */
  public KeyScan(RedisNodes nodes, RetryPolicy retries, String prefix) {
    this(nodes, retries, prefix, false);
  }

  private KeyScan(RedisNodes nodes, RetryPolicy retries, String prefix, boolean again) {
    this.again = again;
    this.nodes = nodes;
    this.retries = retries;
    this.pattern = prefix + "*";
    left.addAll(nodes.all());
  }

  /**
   * Creates a scan that visits the nodes of a cluster twice. It also returns a key whose slot is
   * moved meanwhile, if it is moved once: to a node that the first pass has visited already. It
   * returns most keys twice.
   */
  public static KeyScan twice(RedisNodes nodes, RetryPolicy retries, String prefix) {
    return new KeyScan(nodes, retries, prefix, true);
  }

  /**
   * Returns the next page, which may be empty; null at the end.
   *
   * @throws StoreException if a node does not answer within the time for retries
   */
  public List<String> next() {
    RetryPolicy.Attempts attempts = retries.begin();
    while (hasNode()) {
      try {
        return page(left.peek());
      } catch (RuntimeException e) {
        LOG.debug("Cannot scan {} (attempt {})", left.peek(), attempts.made(), e);
        pause(attempts, e);
        restart();
      }
    }
    return null;
  }

  private boolean hasNode() {
    if (left.isEmpty() && again && nodes.all().size() > 1) {
      again = false;
      restart();
    }
    return !left.isEmpty();
  }

  private List<String> page(HostAndPort node) {
    try (Connection connection = nodes.connect(node)) {
      connection.sendCommand(
          Protocol.Command.SCAN, new String(cursor, US_ASCII), "MATCH", pattern, "COUNT", COUNT);
      List<?> answer = connection.getObjectMultiBulkReply();
      cursor = (byte[]) answer.get(0);
      if (new String(cursor, US_ASCII).equals(ScanParams.SCAN_POINTER_START)) {
        left.remove();
      }
      return ((List<?>) answer.get(1))
          .stream().map(key -> new String((byte[]) key, US_ASCII)).toList();
    }
  }

  private void restart() {
    try {
      nodes.refresh();
    } catch (RuntimeException e) {
      LOG.debug("Cannot refresh the nodes either", e);
    }
    left.clear();
    left.addAll(nodes.all());
    cursor = ScanParams.SCAN_POINTER_START_BINARY;
  }

  private void pause(RetryPolicy.Attempts attempts, RuntimeException failure) {
    if (RedisFailure.of(failure) == RedisFailure.FATAL
        || !attempts.pause("scan the keys of Redis", failure)) {
      throw new StoreException(
          "cannot scan the keys of Redis at %s after %d attempts: %s. The user needs SCAN on every node."
              .formatted(left.peek(), attempts.made(), failure.getMessage()),
          failure);
    }
  }
}
