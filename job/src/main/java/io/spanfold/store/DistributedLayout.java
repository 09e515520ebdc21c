package io.spanfold.store;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import java.time.Duration;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.params.SetParams;

/** A key for each subsegment, each in a slot of its own: a hot trace is spread over the nodes. */
final class DistributedLayout implements PayloadLayout {

  static final int BIT = 2;

  private final CommandObjects commands;
  private final SetParams expiry;

  DistributedLayout(CommandObjects commands, Duration ttl) {
    this.commands = commands;
    this.expiry = SetParams.setParams().ex(ttl.toSeconds());
  }

  @Override
  public int bit() {
    return BIT;
  }

  @Override
  public RedisCommand<String> store(TraceKey trace, Subsegment subsegment, byte[] stored) {
    byte[] key = key(trace, subsegment);
    return new RedisCommand<>(key, commands.set(key, stored, expiry), stored.length, null);
  }

  @Override
  public RedisCommand<byte[]> load(TraceKey trace, Subsegment subsegment) {
    byte[] key = key(trace, subsegment);
    return new RedisCommand<>(key, commands.get(key), subsegment.storedBytes(), null);
  }

  @Override
  public RedisCommand<Long> remove(TraceKey trace, Subsegment subsegment) {
    byte[] key = key(trace, subsegment);
    return new RedisCommand<>(key, commands.unlink(key), key.length, null);
  }

  private static byte[] key(TraceKey trace, Subsegment subsegment) {
    return RedisKeys.payload(trace, subsegment.id()).getBytes(US_ASCII);
  }
}
