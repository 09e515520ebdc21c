package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.List;

/**
 * A hash for each trace, next to its index: for traces with few bytes in a batch, which are most.
 * The scripts write and remove payloads in the call that updates the index, so they cost neither a
 * command nor a key of their own.
 */
public final class SmallLayout implements PayloadLayout {

  public static final int BIT = 4;

  /** Bounds on the payloads of one command, and thus on the time for which it blocks a node. */
  private static final int MAX_PAGE = 1_000;

  private static final long MAX_PAGE_BYTES = 1L << 20;

  private final RedisPipelines pipelines;

  SmallLayout(RedisPipelines pipelines) {
    this.pipelines = pipelines;
  }

  @Override
  public int bit() {
    return BIT;
  }

  /** One HMGET for adjacent payloads of a trace. */
  @Override
  public List<byte[]> load(List<Wanted> wanted) {
    List<RedisCommand<List<byte[]>>> pages = new ArrayList<>();
    for (int from = 0; from < wanted.size(); ) {
      TraceKey trace = wanted.get(from).trace();
      List<byte[]> fields = new ArrayList<>();
      long bytes = 0;
      while (from < wanted.size()
          && fields.size() < MAX_PAGE
          && bytes < MAX_PAGE_BYTES
          && wanted.get(from).trace().equals(trace)) {
        Subsegment subsegment = wanted.get(from++).subsegment();
        fields.add(Hex.id(subsegment.id()).getBytes(US_ASCII));
        bytes += subsegment.storedBytes();
      }
      byte[] key = RedisKeys.smallPayloads(trace).getBytes(US_ASCII);
      pages.add(RedisCommand.of(key, REDIS.hmget(key, fields.toArray(new byte[0][])), bytes));
    }
    List<byte[]> stored = new ArrayList<>(wanted.size());
    pipelines
        .send("load %d small payloads from Redis".formatted(wanted.size()), pages)
        .forEach(stored::addAll);
    return stored;
  }
}
