package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

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

  /** Bounds the bytes of payloads that are read before they are received. */
  private static final long MAX_ROUND_BYTES = 8L << 20;

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

  /** One SET for each payload. */
  @Override
  public List<RedisCommand<?>> store(List<StoredShare> shares) {
    List<RedisCommand<?>> commands = new ArrayList<>();
    for (StoredShare share : shares) {
      for (int i = 0; i < share.subsegments().size(); i++) {
        byte[] key = key(share.trace(), share.subsegments().get(i));
        byte[] stored = share.single().get(i);
        commands.add(RedisCommand.of(key, REDIS.set(key, stored, expiry), stored.length));
      }
    }
    return commands;
  }

  /** One GET for each payload. */
  @Override
  public void load(List<Wanted> wanted, Receiver receiver) {
    for (int from = 0; from < wanted.size(); ) {
      int to = from;
      long bytes = 0;
      while (to < wanted.size() && bytes < MAX_ROUND_BYTES) {
        bytes += wanted.get(to++).subsegment().storedBytes();
      }
      loadRound(wanted.subList(from, to), receiver);
      from = to;
    }
  }

  private void loadRound(List<Wanted> wanted, Receiver receiver) {
    List<RedisCommand<byte[]>> gets = new ArrayList<>(wanted.size());
    for (Wanted each : wanted) {
      byte[] key = key(each.trace(), each.subsegment());
      gets.add(RedisCommand.of(key, REDIS.get(key), each.subsegment().storedBytes()));
    }
    List<byte[]> stored =
        pipelines.send("load %d payloads from Redis".formatted(gets.size()), gets);
    for (int i = 0; i < stored.size(); i++) {
      if (stored.get(i) != null) {
        receiver.found(List.of(wanted.get(i)), stored.get(i));
      }
    }
  }

  @Override
  public List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    byte[] key = key(trace, subsegment);
    return List.of(RedisCommand.of(key, REDIS.unlink(key), key.length));
  }

  private static byte[] key(TraceKey trace, Subsegment subsegment) {
    return ascii(RedisKeys.payload(trace, subsegment.id()));
  }
}
