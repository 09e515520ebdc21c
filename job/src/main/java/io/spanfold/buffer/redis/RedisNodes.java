package io.spanfold.buffer.redis;

import java.net.URI;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionPool;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.providers.ClusterConnectionProvider;
import redis.clients.jedis.util.JedisClusterCRC16;

/** The nodes of a Redis, one or a cluster, and which of them has a key. */
public abstract class RedisNodes implements AutoCloseable {

  private RedisNodes() {}

  /**
   * Returns the node that has {@code key}, by the slots known so far.
   *
   * @throws JedisException if no node is known to have it
   */
  public abstract HostAndPort nodeOf(byte[] key);

  /**
   * Returns a connection to {@code node}, which the caller closes.
   *
   * @throws JedisException if the node cannot be reached
   */
  public abstract Connection connect(HostAndPort node);

  /** Returns all nodes that have slots. */
  public abstract Collection<HostAndPort> all();

  /**
   * Asks again which node has which slots.
   *
   * @throws JedisException if no node answers
   */
  public abstract void refresh();

  @Override
  public abstract void close();

  /**
   * Connects to the nodes behind the addresses; recognises a cluster.
   *
   * @throws StoreException if none answers within the time for retries, the login is refused, or
   *     there are several nodes that are no cluster
   */
  public static RedisNodes connect(ConnectionSettings settings, RetryPolicy retries) {
    return askFirst(
        settings,
        retries,
        (node, jedis) ->
            isCluster(settings, node, jedis)
                ? new ClusterNodes(settings)
                : new SingleNode(node, clientConfig(settings)));
  }

  /**
   * Queries the first of the addresses that answers.
   *
   * @throws StoreException as {@link #connect} does
   */
  public static <T> T askFirst(
      ConnectionSettings settings,
      RetryPolicy retries,
      BiFunction<HostAndPort, Jedis, T> question) {
    RetryPolicy.Attempts attempts = retries.begin();
    while (true) {
      try {
        return askFirst(settings, question);
      } catch (IllegalArgumentException e) {
        throw new StoreException(e.getMessage(), e);
      } catch (RuntimeException e) {
        boolean fatal = RedisFailure.of(e) == RedisFailure.FATAL;
        if (fatal || !attempts.pause("connect to Redis at " + settings.nodes(), e)) {
          throw new StoreException(
              "cannot connect to Redis at %s after %d attempts in %d ms: %s; %s"
                  .formatted(
                      settings.nodes(),
                      attempts.made(),
                      attempts.elapsed().toMillis(),
                      // Some messages of the client end like a sentence.
                      String.valueOf(e.getMessage()).replaceFirst("\\.$", ""),
                      fatal
                          ? "check user name, password and permissions"
                          : "check whether the servers run and are reachable from here"),
              e);
        }
      }
    }
  }

  private static <T> T askFirst(
      ConnectionSettings settings, BiFunction<HostAndPort, Jedis, T> question) {
    JedisException last = null;
    for (URI uri : settings.nodes()) {
      HostAndPort node = new HostAndPort(uri.getHost(), uri.getPort());
      try (Jedis jedis = new Jedis(node, clientConfig(settings))) {
        return question.apply(node, jedis);
      } catch (JedisConnectionException e) {
        last = e;
      }
    }
    throw last;
  }

  /**
   * Returns whether {@code node} is part of a cluster.
   *
   * @throws IllegalArgumentException if it is not, though there are several addresses
   */
  public static boolean isCluster(ConnectionSettings settings, HostAndPort node, Jedis jedis) {
    boolean cluster = jedis.info("cluster").contains("cluster_enabled:1");
    if (!cluster && settings.nodes().size() > 1) {
      throw new IllegalArgumentException(
          "several Redis nodes are given, but %s is not part of a cluster; give one node, or the nodes of a cluster"
              .formatted(node));
    }
    return cluster;
  }

  public static JedisClientConfig clientConfig(ConnectionSettings settings) {
    return DefaultJedisClientConfig.builder()
        .protocol(RedisProtocol.RESP2)
        .user(settings.login().username())
        .password(settings.login().password())
        .sslOptions(settings.tls() ? RedisTls.options(settings.authorities()) : null)
        .clientName("spanfold")
        .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
        .connectionTimeoutMillis(Math.toIntExact(settings.timeouts().connect().toMillis()))
        .socketTimeoutMillis(Math.toIntExact(settings.timeouts().answer().toMillis()))
        .build();
  }

  /**
   * Returns the settings of a pool that never waits and starts no thread: one thread uses one
   * connection per node.
   */
  private static GenericObjectPoolConfig<Connection> poolConfig() {
    GenericObjectPoolConfig<Connection> config = new GenericObjectPoolConfig<>();
    config.setMaxTotal(2);
    config.setMaxIdle(1);
    config.setBlockWhenExhausted(false);
    config.setJmxEnabled(false);
    return config;
  }

  /** One node that has all keys. */
  private static final class SingleNode extends RedisNodes {

    private final HostAndPort node;
    private final ConnectionPool pool;

    SingleNode(HostAndPort node, JedisClientConfig config) {
      this.node = node;
      this.pool = new ConnectionPool(node, config, poolConfig());
    }

    @Override
    public HostAndPort nodeOf(byte[] key) {
      return node;
    }

    @Override
    public Connection connect(HostAndPort to) {
      return pool.getResource();
    }

    @Override
    public Collection<HostAndPort> all() {
      return List.of(node);
    }

    @Override
    public void refresh() {
      // It always has all keys.
    }

    @Override
    public void close() {
      pool.close();
    }
  }

  /** A Redis Cluster: each slot is on one of its primaries. */
  private static final class ClusterNodes extends RedisNodes {

    private static final int SLOTS = 16_384;

    private final ClusterConnectionProvider provider;

    ClusterNodes(ConnectionSettings settings) {
      Set<HostAndPort> seeds =
          settings.nodes().stream()
              .map(uri -> new HostAndPort(uri.getHost(), uri.getPort()))
              .collect(Collectors.toSet());
      this.provider = new ClusterConnectionProvider(seeds, clientConfig(settings), poolConfig());
    }

    @Override
    public HostAndPort nodeOf(byte[] key) {
      int slot = JedisClusterCRC16.getSlot(key);
      HostAndPort node = provider.getNode(slot);
      if (node == null) {
        throw new JedisClusterOperationException("no node is known to have slot " + slot);
      }
      return node;
    }

    @Override
    public Connection connect(HostAndPort node) {
      return provider.getConnection(node);
    }

    /**
     * Reads them from the slots: the client's own list of primaries stays as it was when it
     * connected (Jedis 8.0.0).
     */
    @Override
    public Collection<HostAndPort> all() {
      return IntStream.range(0, SLOTS)
          .mapToObj(provider::getNode)
          .filter(Objects::nonNull)
          .collect(Collectors.toSet());
    }

    @Override
    public void refresh() {
      provider.renewSlotCache();
    }

    @Override
    public void close() {
      provider.close();
    }
  }
}
