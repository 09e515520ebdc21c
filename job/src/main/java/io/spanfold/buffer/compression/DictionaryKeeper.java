package io.spanfold.buffer.compression;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.params.SetParams;

/**
 * Sees to it that a writer compresses with the dictionary that all writers of the buffer use, and
 * that this is in Redis for as long as any payload made with it. Where there is none, or it is a
 * day old, it trains one from what is written; of several writers that do, one wins.
 *
 * <p>Redis is asked now and then, before a batch is written, and nothing is tried again: whatever
 * fails, the writer goes on with what it has. For use by one thread at a time.
 */
public final class DictionaryKeeper implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DictionaryKeeper.class);

  /** How often Redis is asked at least, while batches are written. */
  private static final Duration INTERVAL = Duration.ofSeconds(10);

  /** The same as long as there is no dictionary. */
  private static final Duration INTERVAL_WITHOUT = Duration.ofSeconds(1);

  /** How long Redis is left alone after it failed, as long as there is no dictionary. */
  private static final Duration AFTER_FAILURE = Duration.ofMinutes(1);

  /** How long nothing is gathered after what was gathered was good for nothing. */
  private static final Duration AFTER_BAD_SAMPLES = Duration.ofMinutes(10);

  /** When a dictionary is replaced, so that it follows the traffic. */
  private static final Duration MAX_AGE = Duration.ofHours(24);

  private static final byte[] CURRENT = RedisKeys.CURRENT_DICTIONARY.getBytes(US_ASCII);

  private final RedisPipelines pipelines;
  private final PayloadCompression compression;
  private final DictionaryTrainer trainer;
  private final long ttlSeconds;
  private final Duration quarterOfTtl;
  private final boolean enabled;
  private final LongSupplier clock;
  private final InstantSource wall;

  private CompressionDictionary current;
  private long trainedAt;

  /** Trained here, and not yet published. */
  private CompressionDictionary trained;

  private long nextLook;
  private long gatherFrom;

  /**
   * Makes a keeper, which asks nothing yet.
   *
   * @param pipelines what to ask by
   * @param compression what is to use the dictionary
   * @param clock a clock that only goes forward, in nanoseconds
   * @param wall tells how old a dictionary is
   */
  public DictionaryKeeper(
      RedisPipelines pipelines,
      PayloadCompression compression,
      boolean enabled,
      Duration ttl,
      LongSupplier clock,
      InstantSource wall) {
    this.pipelines = pipelines.withoutRetries();
    this.compression = compression;
    this.trainer = new DictionaryTrainer(compression.level());
    // Twice, so that it outlives what is written until it is looked after again.
    this.ttlSeconds = 2 * ttl.toSeconds();
    this.quarterOfTtl = ttl.dividedBy(4);
    this.enabled = enabled && !compression.isOff();
    this.clock = clock;
    this.wall = wall;
    this.nextLook = clock.getAsLong();
    this.gatherFrom = nextLook;
  }

  /**
   * To be called before a batch is compressed: looks after the dictionary if it is time to. Then it
   * costs up to eight commands, and once a day the time of training.
   */
  public void beginBatch() {
    trainer.beginBatch();
    if (!enabled || clock.getAsLong() - nextLook < 0) {
      return;
    }
    Duration pause;
    try {
      look();
      Duration interval = current == null ? INTERVAL_WITHOUT : INTERVAL;
      pause = quarterOfTtl.compareTo(interval) < 0 ? quarterOfTtl : interval;
    } catch (StoreException | IllegalArgumentException e) {
      // Where one is in use, others may lack it until it is looked after.
      pause = current == null ? AFTER_FAILURE : INTERVAL;
      LOG.info(
          "The compression dictionary is not looked after for {} s: {}",
          pause.toSeconds(),
          e.getMessage());
    }
    nextLook = clock.getAsLong() + pause.toNanos();
  }

  /** Takes a payload that is written as a sample, where there is need of one. */
  public void offer(byte[] payload) {
    if (enabled && wantsAnother() && clock.getAsLong() - gatherFrom >= 0) {
      trainer.offer(payload);
    }
  }

  /** Returns whether a dictionary is to be trained. */
  private boolean wantsAnother() {
    return trained == null && (current == null || wall.millis() - trainedAt > MAX_AGE.toMillis());
  }

  private void look() {
    Published published = published();
    if (published != null && has(published)) {
      if (wall.millis() - trainedAt <= MAX_AGE.toMillis()) {
        forgetOwn();
        return;
      }
    } else if (current != null) {
      // Redis has lost it.
      publish(current, trainedAt, published == null);
    }
    if (wantsAnother() && trainer.isReady()) {
      train();
    }
    if (trained != null) {
      publish(trained, wall.millis(), published == null && current == null);
      trained = null;
    }
  }

  /** As another writer has one. */
  private void forgetOwn() {
    trainer.clear();
    if (trained != null) {
      trained.close();
      trained = null;
    }
  }

  /** Uses what is published; returns whether that is possible. */
  private boolean has(Published published) {
    if (current == null || current.id() != published.id) {
      CompressionDictionary fetched = KnownDictionaries.fetch(pipelines, published.id);
      if (fetched == null) {
        return false;
      }
      try {
        use(fetched, published.trainedAt);
      } catch (IllegalArgumentException e) {
        LOG.warn("What is published cannot be used: {}", e.getMessage());
        fetched.close();
        return false;
      }
    }
    trainedAt = published.trainedAt;
    send("look after", CURRENT, REDIS.expire(CURRENT, ttlSeconds));
    for (byte[] key : keys(current)) {
      if (send("look after", key, REDIS.expire(key, ttlSeconds)) == 0) {
        store(current, key);
      }
    }
    return true;
  }

  private void train() {
    long start = clock.getAsLong();
    trained = trainer.train().orElse(null);
    if (trained == null) {
      gatherFrom = clock.getAsLong() + AFTER_BAD_SAMPLES.toNanos();
      LOG.info("No compression dictionary can be trained from what is written now.");
    } else {
      LOG.info(
          "Trained the compression dictionary {} of {} bytes in {} ms",
          "%08x".formatted(trained.id()),
          trained.bytes().length,
          Duration.ofNanos(clock.getAsLong() - start).toMillis());
    }
  }

  /**
   * Makes {@code dictionary} the current one, and uses it; where {@code unlessThere}, and another
   * writer was faster, uses that one's.
   */
  private void publish(CompressionDictionary dictionary, long madeAt, boolean unlessThere) {
    // First, so that whoever is told of it finds it.
    for (byte[] key : keys(dictionary)) {
      store(dictionary, key);
    }
    SetParams how = SetParams.setParams().ex(ttlSeconds);
    byte[] value = new Published(dictionary.id(), madeAt).text().getBytes(US_ASCII);
    String answer =
        send("publish", CURRENT, REDIS.set(CURRENT, value, unlessThere ? how.nx() : how));
    Published first = answer == null ? published() : null;
    if (first == null || !has(first)) {
      use(dictionary, madeAt);
    } else if (dictionary != current) {
      // May be closed already; again does no harm.
      dictionary.close();
    }
  }

  private void use(CompressionDictionary dictionary, long madeAt) {
    CompressionDictionary former = current;
    compression.useDictionary(dictionary);
    current = dictionary;
    trainedAt = madeAt;
    if (former != null && former != dictionary) {
      former.close();
    }
  }

  private void store(CompressionDictionary dictionary, byte[] key) {
    SetParams ttl = SetParams.setParams().ex(ttlSeconds);
    send("publish", key, REDIS.set(key, dictionary.bytes(), ttl));
  }

  /** Returns what Redis names as the current dictionary; null where it names none. */
  private Published published() {
    byte[] value = send("look for", CURRENT, REDIS.get(CURRENT));
    return value == null ? null : Published.parse(new String(value, US_ASCII));
  }

  private <T> T send(String what, byte[] key, CommandObject<T> command) {
    return pipelines.send(
        what + " the compression dictionary in Redis", RedisCommand.of(key, command, 0));
  }

  private static List<byte[]> keys(CompressionDictionary dictionary) {
    return RedisKeys.dictionary(dictionary.id()).stream()
        .map(key -> key.getBytes(US_ASCII))
        .toList();
  }

  /** Closes the dictionary; to be called when the compression that uses it is closed. */
  @Override
  public void close() {
    forgetOwn();
    if (current != null) {
      current.close();
      current = null;
    }
  }

  /**
   * What {@link RedisKeys#CURRENT_DICTIONARY} says.
   *
   * @param id the dictionary's id
   * @param trainedAt when it was trained, in milliseconds since 1970
   */
  private record Published(int id, long trainedAt) {

    private static final Pattern FORM = Pattern.compile("([0-9a-f]{8}):(\\d{1,18})");

    /** Something of another form names a dictionary that does not exist. */
    static Published parse(String text) {
      Matcher parts = FORM.matcher(text);
      return parts.matches()
          ? new Published(
              Integer.parseUnsignedInt(parts.group(1), 16), Long.parseLong(parts.group(2)))
          : new Published(0, 0);
    }

    String text() {
      return "%08x:%d".formatted(id, trainedAt);
    }
  }
}
