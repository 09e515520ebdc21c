package io.spanfold.buffer.lease;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The lease in Redis: one for the whole Redis, because keys do not contain the buffer's name.
 *
 * <p>Connects on first use, and again if that failed. For use by one thread at a time, which it
 * blocks for as long as the timeouts of {@link ConnectionSettings} allow. Every operation may be
 * repeated.
 */
public final class LeaseStore implements AutoCloseable {

  private static final RedisScript TAKE = RedisScript.load("take-lease.lua");
  private static final RedisScript RENEW = RedisScript.load("renew-lease.lua");
  private static final RedisScript RELEASE = RedisScript.load("release-lease.lua");

  private static final byte[] KEY = RedisKeys.LEASE.getBytes(US_ASCII);

  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

  /** A running job goes unnoticed only if this many of its renewals in a row are late. */
  private static final int RENEWALS_WATCHED = 3;

  private final ConnectionSettings settings;
  private final RetryPolicy retries;
  private RedisPipelines pipelines;

  /** Creates a store; nothing is sent yet. */
  public LeaseStore(ConnectionSettings settings) {
    this.settings = settings;
    this.retries = settings.retries();
  }

  /**
   * Takes the lease if it is free or held by an older attempt of the same job, with a new epoch. An
   * attempt that holds it already keeps its epoch.
   *
   * @throws StoreException if Redis does not answer
   */
  public LeaseAnswer take(LeaseClaim claim, Duration ttl) {
    return read(
        call(
            TAKE,
            claim.buffer(),
            claim.job(),
            claim.run(),
            Integer.toString(claim.attempt()),
            Long.toString(ttl.toMillis())));
  }

  /**
   * Extends the lease; writes it again if Redis has lost it or has an older one. Never answers
   * {@link LeaseAnswer.State#BUSY}: a newer epoch supersedes, whichever job has it.
   *
   * @param held the answer to {@link #take}
   * @throws StoreException if Redis does not answer
   */
  public LeaseAnswer renew(LeaseClaim claim, LeaseAnswer held, Duration ttl) {
    return read(
        call(
            RENEW,
            claim.buffer(),
            claim.job(),
            claim.run(),
            Integer.toString(claim.attempt()),
            Long.toString(ttl.toMillis()),
            Long.toString(held.epoch()),
            Long.toString(held.since().toEpochMilli()),
            held.past()));
  }

  /**
   * Returns the holder of the lease; empty if it is free.
   *
   * @throws StoreException if Redis does not answer
   */
  public Optional<LeaseHolder> look() {
    List<String> names = List.of("buffer", "job", "epoch", "since");
    List<byte[]> fields =
        send(
            RedisCommand.of(
                KEY,
                REDIS.hmget(KEY, names.stream().map(n -> n.getBytes(UTF_8)).toArray(byte[][]::new)),
                0));
    // In this order, a lease that ends between the two commands is seen as ended.
    long left = send(RedisCommand.of(KEY, REDIS.pttl(KEY), 0));
    if (left < 0 || fields.contains(null)) {
      return Optional.empty();
    }
    return Optional.of(
        new LeaseHolder(
            text(fields.get(0)),
            text(fields.get(1)),
            Long.parseLong(text(fields.get(2))),
            Instant.ofEpochMilli(Long.parseLong(text(fields.get(3)))),
            Duration.ofMillis(left)));
  }

  /**
   * Returns the holder of the lease if it renews it: a lease alone does not prove that a job is
   * running, because it outlives one that was killed. Returns at once if it is free, usually within
   * a second if the holder renews it, and after three seconds otherwise.
   *
   * @throws StoreException if Redis does not answer
   */
  public static Optional<LeaseHolder> whoRenews(LeaseSettings settings)
      throws InterruptedException {
    Duration watched = settings.renewal().multipliedBy(RENEWALS_WATCHED);
    try (LeaseStore store = new LeaseStore(settings.redis())) {
      long end = System.nanoTime() + watched.toNanos();
      Optional<LeaseHolder> before = store.look();
      while (before.isPresent() && end - System.nanoTime() > 0) {
        RetryPolicy.within(watched).sleeper().sleep(BETWEEN_LOOKS);
        Optional<LeaseHolder> now = store.look();
        if (now.isPresent() && isRenewed(before.get(), now.get())) {
          return now;
        }
        before = now;
      }
      return Optional.empty();
    }
  }

  /**
   * Returns the epoch of the lease as Redis has it now, asked over {@code pipelines}; 0 if there is
   * no lease.
   *
   * @throws StoreException if Redis does not answer
   */
  public static long epoch(RedisPipelines pipelines) {
    byte[] field = "epoch".getBytes(US_ASCII);
    byte[] epoch =
        pipelines.send(
            "read the lease from Redis", RedisCommand.of(KEY, REDIS.hget(KEY, field), 0));
    return epoch == null ? 0 : Long.parseLong(text(epoch));
  }

  /**
   * Shortens the lease of {@code epoch}: it ends after {@code left} unless it is renewed.
   *
   * @throws StoreException if Redis does not answer
   */
  public void release(long epoch, Duration left) {
    call(RELEASE, Long.toString(epoch), Long.toString(left.toMillis()));
  }

  @Override
  public void close() {
    if (pipelines != null) {
      pipelines.close();
    }
  }

  private static boolean isRenewed(LeaseHolder before, LeaseHolder now) {
    return now.left().compareTo(before.left()) > 0 || !now.job().equals(before.job());
  }

  private Object call(RedisScript script, String... arguments) {
    List<byte[]> bytes = Arrays.stream(arguments).map(text -> text.getBytes(UTF_8)).toList();
    return send(RedisCommand.call(script, KEY, bytes));
  }

  private <T> T send(RedisCommand<T> command) {
    if (pipelines == null) {
      pipelines = RedisPipelines.connect(settings, retries);
    }
    return pipelines.send("ask Redis for the lease", command);
  }

  private static LeaseAnswer read(Object answer) {
    List<?> fields = (List<?>) answer;
    return new LeaseAnswer(
        LeaseAnswer.State.valueOf(text(fields.get(0)).toUpperCase(Locale.ROOT)),
        Long.parseLong(text(fields.get(1))),
        text(fields.get(2)),
        text(fields.get(3)),
        Instant.ofEpochMilli(Long.parseLong(text(fields.get(4)))),
        Duration.ofMillis((Long) fields.get(5)),
        text(fields.get(6)));
  }

  private static String text(Object field) {
    return new String((byte[]) field, UTF_8);
  }
}
