package io.spanfold.buffer.compression;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.StoreException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cache of the dictionaries that payloads were compressed with. Fetches one from Redis when it is
 * first requested; keeps the 16 most recently used. For use by one thread at a time.
 */
public final class KnownDictionaries implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(KnownDictionaries.class);

  /**
   * More than the dictionaries of a day; each takes about 140 KB of native memory and 112 KB of
   * heap.
   */
  public static final int MOST = 16;

  /** The time before a dictionary that Redis lacks is requested again. */
  private static final long MISSING_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final RedisPipelines pipelines;
  private final LongSupplier clock;
  private final Map<Integer, CompressionDictionary> known = new LinkedHashMap<>(MOST, 0.75f, true);
  private final Map<Integer, Long> missingSince = new HashMap<>();

  /**
   * Creates an empty cache.
   *
   * @param clock a monotonic clock, in nanoseconds
   */
  public KnownDictionaries(RedisPipelines pipelines, LongSupplier clock) {
    this.pipelines = pipelines;
    this.clock = clock;
  }

  /**
   * Returns the dictionary with this id; null if Redis has none, or has something else in its
   * place. The cache closes it.
   *
   * @throws StoreException if Redis does not answer
   */
  public CompressionDictionary find(int id) {
    CompressionDictionary found = known.get(id);
    if (found != null) {
      return found;
    }
    Long since = missingSince.get(id);
    if (since != null && clock.getAsLong() - since < MISSING_NANOS) {
      return null;
    }
    found = fetch(pipelines, id);
    if (found == null) {
      if (missingSince.size() >= MOST) {
        missingSince.clear();
      }
      missingSince.put(id, clock.getAsLong());
      return null;
    }
    missingSince.remove(id);
    known.put(id, found);
    if (known.size() > MOST) {
      known.remove(known.keySet().iterator().next()).close();
    }
    return found;
  }

  /**
   * Fetches the dictionary with this id, which the caller closes; null as {@link #find}.
   *
   * @throws StoreException if Redis does not answer
   */
  public static CompressionDictionary fetch(RedisPipelines pipelines, int id) {
    for (String name : RedisKeys.dictionary(id)) {
      byte[] key = name.getBytes(US_ASCII);
      byte[] bytes =
          pipelines.send(
              "fetch the compression dictionary %08x from Redis".formatted(id),
              RedisCommand.of(key, REDIS.get(key), 0));
      CompressionDictionary dictionary = bytes == null ? null : read(name, bytes, id);
      if (dictionary != null) {
        return dictionary;
      }
    }
    return null;
  }

  private static CompressionDictionary read(String key, byte[] bytes, int id) {
    try {
      CompressionDictionary dictionary = new CompressionDictionary(bytes);
      if (dictionary.id() == id) {
        return dictionary;
      }
      LOG.warn("The key {} has a dictionary with another id", key);
      dictionary.close();
    } catch (IllegalArgumentException e) {
      LOG.warn("The key {} has no dictionary: {}", key, e.getMessage());
    }
    return null;
  }

  @Override
  public void close() {
    known.values().forEach(CompressionDictionary::close);
    known.clear();
  }
}
