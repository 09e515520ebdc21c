package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.RedisProtocol;

/**
 * The lease in Redis: one for all that a Redis holds, as its keys do not tell buffers apart.
 *
 * <p>Connects when it is first used, and anew after that failed. For use by one thread at a time,
 * which it blocks for as long as {@link StoreSettings} allow. Every operation may be repeated.
 */
public final class LeaseStore implements AutoCloseable {

  private static final RedisScript TAKE = RedisScript.load("take-lease.lua");
  private static final RedisScript RENEW = RedisScript.load("renew-lease.lua");
  private static final RedisScript RELEASE = RedisScript.load("release-lease.lua");

  private static final byte[] KEY = RedisKeys.LEASE.getBytes(US_ASCII);

  private final CommandObjects commands = new CommandObjects(RedisProtocol.RESP2);
  private final StoreSettings settings;
  private final RetryPolicy retries;
  private RedisPipelines pipelines;

  /** Makes a store; nothing is sent yet. */
  public LeaseStore(StoreSettings settings) {
    this.settings = settings;
    this.retries = RetryPolicy.within(settings.retryBudget());
  }

  /**
   * Takes the lease where it is free or that of an older attempt of the same job, with a new epoch;
   * with the same one where this attempt has it already.
   *
   * @throws StoreException where Redis could not be asked
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
   * Lengthens the lease, and writes it anew where Redis has lost it or has an older one. Never
   * {@linkplain LeaseAnswer.State#BUSY busy}: whoever has a newer epoch supersedes.
   *
   * @param held what {@link #take} answered
   * @throws StoreException where Redis could not be asked
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
   * Returns who has the lease, without a claim to it; empty where nobody has.
   *
   * @throws StoreException where Redis could not be asked
   */
  public Optional<LeaseHolder> look() {
    List<String> names = List.of("buffer", "job", "since");
    List<byte[]> fields =
        send(
            commands.hmget(KEY, names.stream().map(n -> n.getBytes(UTF_8)).toArray(byte[][]::new)));
    // In this order: a lease that ends in between is seen to have ended.
    long left = send(commands.pttl(KEY));
    if (left < 0 || fields.contains(null)) {
      return Optional.empty();
    }
    return Optional.of(
        new LeaseHolder(
            text(fields.get(0)),
            text(fields.get(1)),
            Instant.ofEpochMilli(Long.parseLong(text(fields.get(2)))),
            Duration.ofMillis(left)));
  }

  /**
   * Lets the lease of {@code epoch} end in {@code left} unless somebody renews it.
   *
   * @throws StoreException where Redis could not be asked
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

  private Object call(RedisScript script, String... arguments) {
    List<byte[]> bytes = Arrays.stream(arguments).map(text -> text.getBytes(UTF_8)).toList();
    return send(commands.evalsha(script.sha1(), List.of(KEY), bytes), script);
  }

  private <T> T send(CommandObject<T> command) {
    return send(command, null);
  }

  private <T> T send(CommandObject<T> command, RedisScript script) {
    if (pipelines == null) {
      pipelines = new RedisPipelines(StoreConnector.connect(settings, retries), retries);
    }
    return pipelines
        .send("ask for the lease in Redis", List.of(new RedisCommand<>(KEY, command, 0, script)))
        .get(0);
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
