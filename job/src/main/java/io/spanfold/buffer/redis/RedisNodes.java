package io.spanfold.buffer.redis;

import java.net.URI;
import java.util.Collection;
import java.util.function.BiFunction;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/** The nodes of a buffer, and which of them has a key: one node, or a cluster of them. */
public interface RedisNodes extends AutoCloseable {

  /**
   * Returns the node that has {@code key}, as far as is known.
   *
   * @throws JedisException where no node is known to have it
   */
  HostAndPort nodeOf(byte[] key);

  /**
   * Returns a connection to {@code node}, which the caller closes.
   *
   * @throws JedisException where there is none
   */
  Connection connect(HostAndPort node);

  /** Returns all nodes that can have keys. */
  Collection<HostAndPort> all();

  /**
   * Asks anew which node has what.
   *
   * @throws JedisException where nobody answers
   */
  void refresh();

  @Override
  void close();

  /**
   * Finds out what stands behind the addresses, by asking the first that answers.
   *
   * @throws JedisException where none answers, or it does not let us in
   * @throws IllegalArgumentException where there are several nodes that are no cluster
   */
  static RedisNodes discover(ConnectionSettings settings) {
    JedisClientConfig config = clientConfig(settings);
    return askFirst(
        settings,
        (node, jedis) ->
            isCluster(settings, node, jedis)
                ? new ClusterNodes(settings, config)
                : new SingleNode(node, config));
  }

  /**
   * Puts a question to the first of the addresses that answers.
   *
   * @throws JedisException where none answers, or it does not let us in
   */
  static <T> T askFirst(ConnectionSettings settings, BiFunction<HostAndPort, Jedis, T> question) {
    JedisClientConfig config = clientConfig(settings);
    JedisException last = null;
    for (URI uri : settings.nodes()) {
      HostAndPort node = new HostAndPort(uri.getHost(), uri.getPort());
      try (Jedis jedis = new Jedis(node, config)) {
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
   * @throws IllegalArgumentException where it is not, though there are several
   */
  static boolean isCluster(ConnectionSettings settings, HostAndPort node, Jedis jedis) {
    boolean cluster = jedis.info("cluster").contains("cluster_enabled:1");
    if (!cluster && settings.nodes().size() > 1) {
      throw new IllegalArgumentException(
          "several Redis nodes are given, but %s is not part of a cluster; give one node, or the nodes of a cluster"
              .formatted(node));
    }
    return cluster;
  }

  /** Returns how to talk to a node. */
  static JedisClientConfig clientConfig(ConnectionSettings settings) {
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
   * Returns a pool that never waits and starts no thread: one thread uses one connection a node.
   */
  static GenericObjectPoolConfig<Connection> poolConfig() {
    GenericObjectPoolConfig<Connection> config = new GenericObjectPoolConfig<>();
    config.setMaxTotal(2);
    config.setMaxIdle(1);
    config.setBlockWhenExhausted(false);
    config.setJmxEnabled(false);
    return config;
  }
}
