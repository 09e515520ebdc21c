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
 * Makes a writer compress with the dictionary that all writers of the buffer use, and keeps that
 * dictionary in Redis for as long as any payload made with it. If there is none, or it is a day
 * old, trains one from the traffic; if several writers do, one of them wins.
 *
 * <p>Asks Redis periodically, before a batch is written, and never retries: after a failure the
 * writer continues with the dictionary it has. For use by one thread at a time.
 */
public final class DictionaryKeeper implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DictionaryKeeper.class);

  /** Longest time between two questions to Redis while batches are written. */
  private static final Duration INTERVAL = Duration.ofSeconds(10);

  /** The same while there is no dictionary. */
  private static final Duration INTERVAL_WITHOUT = Duration.ofSeconds(1);

  /** Pause after a failure while there is no dictionary. */
  private static final Duration AFTER_FAILURE = Duration.ofMinutes(1);

  /** Pause of sampling after training failed. */
  private static final Duration AFTER_BAD_SAMPLES = Duration.ofMinutes(10);

  /** Age at which a dictionary is replaced, so that it follows the traffic. */
  private static final Duration MAX_AGE = Duration.ofHours(24);

  private static final byte[] CURRENT = RedisKeys.CURRENT_DICTIONARY.getBytes(US_ASCII);

  private final RedisPipelines pipelines;
  private final PayloadCompression compression;
  private final DictionaryTrainer trainer;
  private final long ttlSeconds;
  private final Duration quarterOfTtl;
  private final boolean enabled;
  private final LongSupplier clock;
  private final InstantSource wallClock;

  private CompressionDictionary current;
  private long trainedAt;

  /** Trained here, but not published yet. */
  private CompressionDictionary trained;

  private long nextLook;
  private long gatherFrom;

  /**
   * Creates a keeper; nothing is sent yet.
   *
   * @param compression uses the dictionary
   * @param enabled false to train and use none
   * @param ttl lifetime of payloads in Redis
   * @param clock a monotonic clock, in nanoseconds
   * @param wallClock for the age of a dictionary
   */
  public DictionaryKeeper(
      RedisPipelines pipelines,
      PayloadCompression compression,
      boolean enabled,
      Duration ttl,
      LongSupplier clock,
      InstantSource wallClock) {
    this.pipelines = pipelines.withoutRetries();
    this.compression = compression;
    this.trainer = new DictionaryTrainer(compression.level());
    // Twice, so that it outlives the payloads written until the next check.
    this.ttlSeconds = 2 * ttl.toSeconds();
    this.quarterOfTtl = ttl.dividedBy(4);
    this.enabled = enabled && !compression.isOff();
    this.clock = clock;
    this.wallClock = wallClock;
    this.nextLook = clock.getAsLong();
    this.gatherFrom = nextLook;
  }

  /**
   * To be called before a batch is compressed. If a check is due it costs up to eight commands, and
   * once a day the time of training.
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
      // A dictionary in use is checked soon: readers may lack it.
      pause = current == null ? AFTER_FAILURE : INTERVAL;
      LOG.info(
          "The compression dictionary could not be checked; retrying in {} s: {}",
          pause.toSeconds(),
          e.getMessage());
    }
    nextLook = clock.getAsLong() + pause.toNanos();
  }

  /** Takes a payload as a sample if samples are needed. */
  public void offer(byte[] payload) {
    if (enabled && wantsAnother() && clock.getAsLong() - gatherFrom >= 0) {
      trainer.offer(payload);
    }
  }

  /** Returns whether a dictionary is to be trained. */
  private boolean wantsAnother() {
    return trained == null
        && (current == null || wallClock.millis() - trainedAt > MAX_AGE.toMillis());
  }

  private void look() {
    Published published = published();
    if (published != null && has(published)) {
      if (wallClock.millis() - trainedAt <= MAX_AGE.toMillis()) {
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
      publish(trained, wallClock.millis(), published == null && current == null);
      trained = null;
    }
  }

  /** Another writer has published one. */
  private void forgetOwn() {
    trainer.clear();
    if (trained != null) {
      trained.close();
      trained = null;
    }
  }

  /** Uses the published dictionary; returns whether that is possible. */
  private boolean has(Published published) {
    if (current == null || current.id() != published.id) {
      CompressionDictionary fetched = KnownDictionaries.fetch(pipelines, published.id);
      if (fetched == null) {
        return false;
      }
      try {
        use(fetched, published.trainedAt);
      } catch (IllegalArgumentException e) {
        LOG.warn("The published compression dictionary cannot be used: {}", e.getMessage());
        fetched.close();
        return false;
      }
    }
    trainedAt = published.trainedAt;
    send("check", CURRENT, REDIS.expire(CURRENT, ttlSeconds));
    for (byte[] key : keys(current)) {
      if (send("check", key, REDIS.expire(key, ttlSeconds)) == 0) {
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
      LOG.info("No compression dictionary could be trained from the current traffic");
    } else {
      LOG.info(
          "Trained the compression dictionary {} of {} bytes in {} ms",
          "%08x".formatted(trained.id()),
          trained.bytes().length,
          Duration.ofNanos(clock.getAsLong() - start).toMillis());
    }
  }

  /**
   * Makes {@code dictionary} the current one and uses it. If {@code unlessThere} is set and another
   * writer has published one first, uses that writer's dictionary.
   */
  private void publish(CompressionDictionary dictionary, long madeAt, boolean unlessThere) {
    // Before its id is published, so that every reader finds it.
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
      // May be closed already; closing again is harmless.
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

  /** Returns the current dictionary as Redis names it; null if it names none. */
  private Published published() {
    byte[] value = send("look up", CURRENT, REDIS.get(CURRENT));
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

  /** Closes the dictionary; to be called after the compression that uses it is closed. */
  @Override
  public void close() {
    forgetOwn();
    if (current != null) {
      current.close();
      current = null;
    }
  }

  /**
   * The value of {@link RedisKeys#CURRENT_DICTIONARY}.
   *
   * @param id the dictionary's id
   * @param trainedAt milliseconds since 1970
   */
  private record Published(int id, long trainedAt) {

    private static final Pattern FORM = Pattern.compile("([0-9a-f]{8}):(\\d{1,18})");

    /** A malformed value names a dictionary that does not exist. */
    static Published parse(String text) {
      Matcher parts = FORM.matcher(text);
      return parts.matches()
          ? new Published(
              Integer.parseUnsignedInt(parts.group(1), 16), Long.parseLong(parts.group(2)))
          : new Published(0, 0);
    }

    String text() {
      return "%08x:".formatted(id) + trainedAt;
    }
  }
}
