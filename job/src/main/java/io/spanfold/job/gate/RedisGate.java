package io.spanfold.job.gate;

import io.spanfold.buffer.memory.NodeMemory;
import io.spanfold.buffer.memory.NodeProbe;
import io.spanfold.buffer.memory.NodeProbe.Answer;
import io.spanfold.buffer.redis.RedisPoller;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.job.resource.SharedResource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Polls Redis, in one thread for each process: its memory, and whether it accepts a small write.
 * While a node is full, refuses writes for another reason, or does not answer, no spans should be
 * read.
 *
 * <p>It closes at {@link RedisGateSettings#maxFraction} and opens again 5 % below, so that it does
 * not flap. For use by any thread.
 */
public final class RedisGate implements AutoCloseable {

  /** Whether to read new spans, and why not. */
  public enum State {
    /** Redis has room. */
    OPEN,
    /** A node is too full; buffered parts should be flushed. */
    FULL,
    /** A node does not answer. */
    UNREACHABLE,
    /** A node refuses writes, for another reason than memory. */
    REFUSING
  }

  private static final Logger LOG = LoggerFactory.getLogger(RedisGate.class);

  private static final SharedResource<RedisGateSettings, RedisGate> GATES = new SharedResource<>();

  /** It opens at this share of the fraction at which it closes. */
  private static final double OPENS_AT = 0.95;

  /**
   * The watermarks that advanced while Redis was full pass through the pipeline within this time.
   */
  private static final long AFTER_EFFECT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long REMIND_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final RedisGateSettings settings;
  private final NodeProbe probe;
  private final RedisPoller poller = new RedisPoller("Redis gate");

  /** Nothing is read before it is known that there is room. */
  private volatile State state = State.UNREACHABLE;

  private volatile double usedFraction;
  private final AtomicLong failures = new AtomicLong();

  // Guarded by this.
  private CompletableFuture<Void> opening = new CompletableFuture<>();
  private long changedNanos = System.nanoTime();
  private long closedNanos;

  /** When it was last full; meaningless before. */
  private volatile long fullNanos = System.nanoTime() - 2 * AFTER_EFFECT_NANOS;

  // Confined to the poller's thread.
  private long remindedNanos;
  private boolean warnedUnbounded;

  private RedisGate(RedisGateSettings settings) {
    this.settings = settings;
    this.probe = new NodeProbe(settings.redis());
  }

  /** Returns a share of this process's gate for {@code settings}. */
  public static SharedResource.Share<RedisGate> open(RedisGateSettings settings) {
    return GATES.open(
        settings,
        () -> {
          RedisGate gate = new RedisGate(settings);
          gate.poller.start(gate::ask, settings.interval());
          return gate;
        });
  }

  public State state() {
    return state;
  }

  /** Returns whether parts become due now because Redis is full, or was within the last 5 s. */
  public boolean underPressure() {
    return state == State.FULL || System.nanoTime() - fullNanos < AFTER_EFFECT_NANOS;
  }

  /** Returns whether Redis is at most half as full as it may be. */
  public boolean hasHeadroom() {
    return usedFraction < settings.maxFraction() / 2;
  }

  /** Returns a future that completes when the gate opens; it is complete while it is open. */
  public synchronized CompletableFuture<Void> whenOpen() {
    return opening;
  }

  public void register(MetricGroup metrics) {
    metrics.gauge("gateClosedMillis", this::closedMillis);
    metrics.gauge("redisMemoryFraction", () -> usedFraction);
    metrics.gauge("redisMemoryUnknown", failures::get);
  }

  synchronized long closedMillis() {
    long now = state == State.OPEN ? 0 : System.nanoTime() - changedNanos;
    return TimeUnit.NANOSECONDS.toMillis(closedNanos + now);
  }

  private void ask() {
    try {
      judge(probe.ask());
    } catch (RuntimeException e) {
      LOG.debug("Cannot ask Redis for its memory", e);
      failures.incrementAndGet();
      change(State.UNREACHABLE, String.valueOf(e.getMessage()));
    }
  }

  private void judge(List<Answer> nodes) {
    NodeMemory fullest =
        nodes.stream()
            .map(Answer::memory)
            .max(Comparator.comparingDouble(NodeMemory::fraction))
            .orElseThrow(() -> new StoreException("no Redis node has any slot", null));
    usedFraction = fullest.fraction();
    if (fullest.maxBytes() == 0 && !warnedUnbounded) {
      warnedUnbounded = true;
      LOG.warn(
          "Redis has no maxmemory, so redis.max-memory-fraction has no effect: Redis is killed when"
              + " its machine runs out of memory. Set maxmemory.");
    }
    double bound = settings.maxFraction() * (state == State.FULL ? OPENS_AT : 1);
    Optional<Answer> refusing =
        nodes.stream().filter(each -> each.refusal().isPresent() && !each.full()).findFirst();
    if (refusing.isPresent()) {
      change(
          State.REFUSING,
          "%s: %s".formatted(refusing.get().memory().node(), refusing.get().refusal().get()));
    } else if (fullest.fraction() >= bound || nodes.stream().anyMatch(Answer::full)) {
      change(State.FULL, fullest.toString());
    } else {
      change(State.OPEN, fullest.toString());
    }
  }

  private void change(State to, String why) {
    long now = System.nanoTime();
    if (to == State.FULL) {
      fullNanos = now;
    }
    CompletableFuture<Void> opened = null;
    boolean changed = to != state;
    synchronized (this) {
      if (changed) {
        if (state != State.OPEN) {
          closedNanos += now - changedNanos;
        }
        changedNanos = now;
        if (state == State.OPEN) {
          opening = new CompletableFuture<>();
        } else if (to == State.OPEN) {
          opened = opening;
        }
        state = to;
      }
    }
    if (opened != null) {
      opened.complete(null);
    }
    if (changed || to != State.OPEN && now - remindedNanos > REMIND_NANOS) {
      remindedNanos = now;
      log(to, why);
    }
  }

  private void log(State to, String why) {
    switch (to) {
      case OPEN -> LOG.info("Redis has room ({}); reading spans.", why);
      case FULL ->
          LOG.warn(
              "Redis is full ({}); no spans are read until flushes have made room. If that does not"
                  + " happen, something else uses the memory: find it, or raise maxmemory.",
              why);
      case UNREACHABLE ->
          LOG.warn("No spans are read because a Redis node does not answer: {}", why);
      case REFUSING ->
          LOG.warn(
              "No spans are read because a Redis node refuses writes ({}). Nothing is lost: all"
                  + " that it refuses is sent again until it accepts it.",
              why);
    }
  }

  @Override
  public void close() throws InterruptedException {
    poller.close(probe::close);
  }
}
