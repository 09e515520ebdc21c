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

/** The nodes of a Redis, one or a cluster, and which of them has a key. */
public interface RedisNodes extends AutoCloseable {

  /**
   * Returns the node that has {@code key}, by the slots known so far.
   *
   * @throws JedisException if no node is known to have it
   */
  HostAndPort nodeOf(byte[] key);

  /**
   * Returns a connection to {@code node}, which the caller closes.
   *
   * @throws JedisException if the node cannot be reached
   */
  Connection connect(HostAndPort node);

  /** Returns all nodes that have slots. */
  Collection<HostAndPort> all();

  /**
   * Asks again which node has which slots.
   *
   * @throws JedisException if no node answers
   */
  void refresh();

  @Override
  void close();

  /**
   * Connects to the nodes behind the addresses; recognises a cluster.
   *
   * @throws StoreException if none answers within the time for retries, the login is refused, or
   *     there are several nodes that are no cluster
   */
  static RedisNodes connect(ConnectionSettings settings, RetryPolicy retries) {
    return askFirst(
        settings,
        retries,
        (node, jedis) ->
            isCluster(settings, node, jedis)
                ? new ClusterNodes(settings)
                : new SingleNode(node, clientConfig(settings)));
  }

  /**
   * Puts a question to the first of the addresses that answers.
   *
   * @throws StoreException as {@link #connect} does
   */
  static <T> T askFirst(
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
  static boolean isCluster(ConnectionSettings settings, HostAndPort node, Jedis jedis) {
    boolean cluster = jedis.info("cluster").contains("cluster_enabled:1");
    if (!cluster && settings.nodes().size() > 1) {
      throw new IllegalArgumentException(
          "several Redis nodes are given, but %s is not part of a cluster; give one node, or the nodes of a cluster"
              .formatted(node));
    }
    return cluster;
  }

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
   * Returns the settings of a pool that never waits and starts no thread: one thread uses one
   * connection a node.
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
