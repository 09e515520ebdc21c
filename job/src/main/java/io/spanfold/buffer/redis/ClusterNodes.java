package io.spanfold.buffer.redis;

import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.providers.ClusterConnectionProvider;
import redis.clients.jedis.util.JedisClusterCRC16;

/** A Redis Cluster: each slot is on one of its primaries. */
final class ClusterNodes implements RedisNodes {

  private final ClusterConnectionProvider provider;

  ClusterNodes(ConnectionSettings settings) {
    Set<HostAndPort> seeds =
        settings.nodes().stream()
            .map(uri -> new HostAndPort(uri.getHost(), uri.getPort()))
            .collect(Collectors.toSet());
    this.provider =
        new ClusterConnectionProvider(
            seeds, RedisNodes.clientConfig(settings), RedisNodes.poolConfig());
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

  @Override
  public Collection<HostAndPort> all() {
    return provider.getPrimaryNodes().keySet().stream().map(HostAndPort::from).toList();
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
