package io.spanfold.local.inspect;

import java.net.URI;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.providers.ClusterConnectionProvider;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * The nodes of any Redis that have keys: the one, or the primaries of a cluster. For use by one
 * thread.
 */
public final class BufferNodes implements AutoCloseable {

  private static final int TIMEOUT_MILLIS = 15_000;

  private final JedisClientConfig config;
  private final HostAndPort single;
  private final ClusterConnectionProvider cluster;

  private BufferNodes(
      JedisClientConfig config, HostAndPort single, ClusterConnectionProvider cluster) {
    this.config = config;
    this.single = single;
    this.cluster = cluster;
  }

  /**
   * Finds out what stands behind the addresses, by asking the first that answers. Certificates of
   * {@code rediss://} are checked against Java's trust store.
   *
   * @param nodes {@code redis://host:port} or {@code rediss://host:port}, all of one scheme
   * @param username null for the default user
   * @param password null for none; never in a message
   * @throws JedisException where none answers, or it does not let us in
   */
  public static BufferNodes connect(List<URI> nodes, String username, String password) {
    boolean tls = nodes.get(0).getScheme().equals("rediss");
    JedisClientConfig config =
        DefaultJedisClientConfig.builder()
            .user(username)
            .password(password)
            .sslOptions(tls ? SslOptions.builder().sslVerifyMode(SslVerifyMode.FULL).build() : null)
            .timeoutMillis(TIMEOUT_MILLIS)
            .build();
    Set<HostAndPort> addresses = new LinkedHashSet<>();
    nodes.forEach(uri -> addresses.add(new HostAndPort(uri.getHost(), uri.getPort())));
    JedisException last = null;
    for (HostAndPort address : addresses) {
      try (Jedis jedis = new Jedis(address, config)) {
        return jedis.info("cluster").contains("cluster_enabled:1")
            ? new BufferNodes(config, null, new ClusterConnectionProvider(addresses, config))
            : new BufferNodes(config, address, null);
      } catch (JedisConnectionException e) {
        last = e;
      }
    }
    throw last;
  }

  /** Returns the nodes that have keys, in the order of their addresses. */
  public List<HostAndPort> all() {
    return cluster == null
        ? List.of(single)
        : cluster.getPrimaryNodes().keySet().stream()
            .map(HostAndPort::from)
            .sorted(Comparator.comparing(HostAndPort::toString))
            .toList();
  }

  /** Returns the node that has {@code key}. */
  public HostAndPort nodeOf(String key) {
    if (cluster == null) {
      return single;
    }
    try (Connection connection = cluster.getConnectionFromSlot(JedisClusterCRC16.getSlot(key))) {
      return connection.getHostAndPort();
    }
  }

  /** Opens a connection to a node; the caller closes it. */
  public Jedis open(HostAndPort node) {
    return new Jedis(node, config);
  }

  @Override
  public void close() {
    if (cluster != null) {
      cluster.close();
    }
  }
}
