package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.List;
import redis.clients.jedis.CommandObjects;

/** The epoch of the lease, asked for in passing by who has something else to do in Redis. */
final class LeaseEpoch {

  private static final byte[] KEY = RedisKeys.LEASE.getBytes(US_ASCII);
  private static final byte[] FIELD = "epoch".getBytes(US_ASCII);

  private LeaseEpoch() {}

  /** Returns the epoch as Redis has it now; 0 where it has none. */
  static long read(CommandObjects redis, RedisPipelines pipelines) {
    RedisCommand<byte[]> command = new RedisCommand<>(KEY, redis.hget(KEY, FIELD), 0, null);
    byte[] epoch = pipelines.send("read the lease in Redis", List.of(command)).get(0);
    return epoch == null ? 0 : Long.parseLong(new String(epoch, US_ASCII));
  }
}
