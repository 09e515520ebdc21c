package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.params.SetParams;

/** A key for each subsegment, each in a slot of its own: a hot trace is spread over the nodes. */
final class DistributedLayout implements PayloadLayout {

  static final int BIT = 2;

  private final CommandObjects commands;
  private final RedisPipelines pipelines;
  private final SetParams expiry;

  DistributedLayout(CommandObjects commands, RedisPipelines pipelines, Duration ttl) {
    this.commands = commands;
    this.pipelines = pipelines;
    this.expiry = SetParams.setParams().ex(ttl.toSeconds());
  }

  @Override
  public int bit() {
    return BIT;
  }

  @Override
  public List<RedisCommand<?>> store(TraceKey trace, Subsegment subsegment, byte[] stored) {
    byte[] key = key(trace, subsegment);
    return List.of(new RedisCommand<>(key, commands.set(key, stored, expiry), stored.length, null));
  }

  /** A GET a payload. */
  @Override
  public List<byte[]> load(List<Wanted> wanted) {
    List<RedisCommand<byte[]>> gets = new ArrayList<>(wanted.size());
    for (Wanted each : wanted) {
      byte[] key = key(each.trace(), each.subsegment());
      gets.add(new RedisCommand<>(key, commands.get(key), each.subsegment().storedBytes(), null));
    }
    return pipelines.send("load %d payloads from Redis".formatted(gets.size()), gets);
  }

  @Override
  public List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    byte[] key = key(trace, subsegment);
    return List.of(new RedisCommand<>(key, commands.unlink(key), key.length, null));
  }

  private static byte[] key(TraceKey trace, Subsegment subsegment) {
    return RedisKeys.payload(trace, subsegment.id()).getBytes(US_ASCII);
  }
}
