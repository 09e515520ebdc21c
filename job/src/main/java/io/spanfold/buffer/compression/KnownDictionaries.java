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
 * The dictionaries that payloads were compressed with, fetched from Redis when one is first asked
 * for. Keeps those that were asked for last. For use by one thread at a time.
 */
public final class KnownDictionaries implements DictionarySource, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(KnownDictionaries.class);

  /** More than are in use in a day; each takes about 140 KB of native memory, and 112 of heap. */
  public static final int MOST = 16;

  /** How long one that Redis does not have is not asked for again. */
  private static final long MISSING_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final RedisPipelines pipelines;
  private final LongSupplier clock;
  private final Map<Integer, CompressionDictionary> known = new LinkedHashMap<>(MOST, 0.75f, true);
  private final Map<Integer, Long> missingSince = new HashMap<>();

  /**
   * Makes one that knows none yet.
   *
   * @param clock a clock that only goes forward, in nanoseconds
   */
  public KnownDictionaries(RedisPipelines pipelines, LongSupplier clock) {
    this.pipelines = pipelines;
    this.clock = clock;
  }

  /**
   * Returns the dictionary with this id, or null where Redis has none, or something else in its
   * place.
   *
   * @throws StoreException where Redis could not be asked
   */
  @Override
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
   * Returns what Redis has for a dictionary of this id, which the caller closes; null where it has
   * none, or something else in its place.
   *
   * @throws StoreException where Redis could not be asked
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
      LOG.warn("The key {} has a dictionary of another id.", key);
      dictionary.close();
    } catch (IllegalArgumentException e) {
      LOG.warn("The key {} has something else: {}", key, e.getMessage());
    }
    return null;
  }

  @Override
  public void close() {
    known.values().forEach(CompressionDictionary::close);
    known.clear();
  }
}
