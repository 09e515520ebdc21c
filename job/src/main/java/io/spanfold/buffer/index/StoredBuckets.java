package io.spanfold.buffer.index;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import redis.clients.jedis.params.SetParams;

/**
 * How many buckets a buffer has, as Redis itself records it: a reader that does not know the job's
 * configuration finds traces by it. The value is {@code <buckets> <maximum parallelism>}.
 *
 * <p>Each written batch writes it again, so it is there whenever anything is buffered, also after
 * Redis has lost everything, and ends by its TTL when nothing is.
 */
public final class StoredBuckets {

  private static final byte[] KEY = ascii(RedisKeys.BUCKETS);

  private static final Pattern FORM = Pattern.compile("(\\d{1,5}) (\\d{1,5})");

  private StoredBuckets() {}

  /** Returns the command that records {@code buckets} for as long as what is written with it. */
  public static RedisCommand<String> write(Buckets buckets, Duration ttl) {
    byte[] value = ascii(buckets.count() + " " + buckets.maxParallelism());
    SetParams expiry = SetParams.setParams().ex(ttl.toSeconds());
    return RedisCommand.of(KEY, REDIS.set(KEY, value, expiry), value.length);
  }

  /**
   * Returns whether any trace is buffered in one of {@code buckets}.
   *
   * @throws StoreException if Redis does not answer
   */
  public static boolean anyInUse(RedisPipelines pipelines, Buckets buckets) {
    List<RedisCommand<Long>> asked =
        IntStream.range(0, buckets.count())
            .mapToObj(bucket -> ascii(RedisKeys.traces(buckets.tag(bucket))))
            .map(key -> RedisCommand.of(key, REDIS.hlen(key), key.length))
            .toList();
    return pipelines.send("look for buffered traces in Redis", asked).stream()
        .anyMatch(traces -> traces > 0);
  }

  /**
   * Returns what Redis records; empty if nothing.
   *
   * @throws StoreException if Redis does not answer, or the value is none that a job writes
   */
  public static Optional<Buckets> read(RedisPipelines pipelines) {
    String value =
        pipelines.send(
            "read the number of buckets from Redis",
            RedisCommand.of(KEY, REDIS.get(RedisKeys.BUCKETS), 0));
    if (value == null) {
      return Optional.empty();
    }
    Matcher numbers = FORM.matcher(value);
    try {
      if (numbers.matches()) {
        return Optional.of(
            new Buckets(Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2))));
      }
    } catch (IllegalArgumentException e) {
      // Numbers that no job can have: reported like a value of another form.
    }
    throw new StoreException(
        "the key %s in Redis has the value '%s', which is not a number of buckets and a maximum parallelism"
            .formatted(RedisKeys.BUCKETS, value),
        null);
  }
}
