package io.spanfold.buffer.redis;

import java.util.Collection;
import java.util.List;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionPool;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;

/** One Redis node that has all keys. */
final class SingleNode implements RedisNodes {

  private final HostAndPort node;
  private final ConnectionPool pool;

  SingleNode(HostAndPort node, JedisClientConfig config) {
    this.node = node;
    this.pool = new ConnectionPool(node, config, RedisNodes.poolConfig());
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
