package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.params.SetParams;

/** A key for each subsegment, in a slot of its own: spreads a hot trace over the nodes. */
public final class DistributedLayout implements PayloadLayout {

  public static final int BIT = 2;

  private final RedisPipelines pipelines;
  private final SetParams expiry;

  DistributedLayout(RedisPipelines pipelines, Duration ttl) {
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
    return List.of(RedisCommand.of(key, REDIS.set(key, stored, expiry), stored.length));
  }

  /** One GET per payload. */
  @Override
  public List<byte[]> load(List<Wanted> wanted) {
    List<RedisCommand<byte[]>> gets = new ArrayList<>(wanted.size());
    for (Wanted each : wanted) {
      byte[] key = key(each.trace(), each.subsegment());
      gets.add(RedisCommand.of(key, REDIS.get(key), each.subsegment().storedBytes()));
    }
    return pipelines.send("load %d payloads from Redis".formatted(gets.size()), gets);
  }

  @Override
  public List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    byte[] key = key(trace, subsegment);
    return List.of(RedisCommand.of(key, REDIS.unlink(key), key.length));
  }

  private static byte[] key(TraceKey trace, Subsegment subsegment) {
    return RedisKeys.payload(trace, subsegment.id()).getBytes(US_ASCII);
  }
}
