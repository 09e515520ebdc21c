package io.spanfold.job.memory;

import io.spanfold.buffer.memory.MemoryProbe;
import io.spanfold.buffer.memory.NodeMemory;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.job.resource.SharedResource;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches how full Redis is, in a thread of its own: one for each process. While it is full, or
 * does not answer, nothing more should be read.
 *
 * <p>It is closed from {@link RedisMemoryMonitorSettings#maxFraction} on, and opens again a little
 * below, so that it does not flutter. For use by any thread.
 */
public final class RedisMemoryMonitor implements AutoCloseable {

  /** What to do about new spans. */
  public enum State {
    /** There is room. */
    OPEN,
    /** Too little is left; what is there should be flushed. */
    FULL,
    /** A node does not answer, so there is no knowing. */
    UNREACHABLE
  }

  private static final Logger LOG = LoggerFactory.getLogger(RedisMemoryMonitor.class);

  private static final SharedResource<RedisMemoryMonitorSettings, RedisMemoryMonitor> GUARDS =
      new SharedResource<>();

  /** It opens at this share of the fraction at which it closes. */
  private static final double OPENS_AT = 0.95;

  /**
   * What the clock was driven to while Redis was full takes so long, at most, to come through the
   * pipeline.
   */
  private static final long AFTER_EFFECT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long REMIND_NANOS = TimeUnit.MINUTES.toNanos(1);
  private static final long END_MILLIS = 6_000;

  private final RedisMemoryMonitorSettings settings;
  private final MemoryProbe probe;
  private final Thread thread;

  /** Nothing is read before it is known that there is room. */
  private volatile State state = State.UNREACHABLE;

  private volatile double usedFraction;
  private final AtomicLong failures = new AtomicLong();

  // Guarded by this.
  private CompletableFuture<Void> opening = new CompletableFuture<>();
  private boolean ended;
  private long changedNanos = System.nanoTime();
  private long closedNanos;

  /** When it was last full; meaningless before. */
  private volatile long fullNanos = System.nanoTime() - 2 * AFTER_EFFECT_NANOS;

  // Confined to the thread.
  private long remindedNanos;
  private boolean toldUnbounded;

  private RedisMemoryMonitor(RedisMemoryMonitorSettings settings) {
    this.settings = settings;
    this.probe = new MemoryProbe(settings.redis());
    this.thread = new Thread(this::run, "Redis memory guard");
    thread.setDaemon(true);
    thread.setContextClassLoader(RedisMemoryMonitor.class.getClassLoader());
  }

  /** Returns a share in this process's guard for {@code settings}. */
  public static SharedResource.Share<RedisMemoryMonitor> open(RedisMemoryMonitorSettings settings) {
    return GUARDS.open(
        settings,
        () -> {
          RedisMemoryMonitor guard = new RedisMemoryMonitor(settings);
          guard.thread.start();
          return guard;
        });
  }

  /** Returns what to do about new spans now. */
  public State state() {
    return state;
  }

  /** Returns whether parts that become due now do so because Redis is full, or was just now. */
  public boolean underPressure() {
    return state == State.FULL || System.nanoTime() - fullNanos < AFTER_EFFECT_NANOS;
  }

  /** Returns whether Redis is so empty that what is on its way to it hardly matters. */
  public boolean hasHeadroom() {
    return usedFraction < settings.maxFraction() / 2;
  }

  /** Returns what completes when it is open; is completed while it is. */
  public synchronized CompletableFuture<Void> whenOpen() {
    return opening;
  }

  /** Registers what is to be known of it. */
  public void register(MetricGroup metrics) {
    metrics.gauge("gateClosed", () -> state == State.OPEN ? 0 : 1);
    metrics.gauge("gateClosedMillis", this::closedMillis);
    metrics.gauge("redisMemoryFraction", () -> usedFraction);
    metrics.gauge("redisMemoryUnknown", failures::get);
  }

  /** Returns for how long it was closed in all. */
  synchronized long closedMillis() {
    long now = state == State.OPEN ? 0 : System.nanoTime() - changedNanos;
    return TimeUnit.NANOSECONDS.toMillis(closedNanos + now);
  }

  private void run() {
    try (probe) {
      do {
        ask();
      } while (pause());
    }
  }

  /** Waits for the next question; returns whether there is to be one. */
  private synchronized boolean pause() {
    long until = System.nanoTime() + settings.interval().toNanos();
    try {
      while (!ended && until - System.nanoTime() > 0) {
        TimeUnit.NANOSECONDS.timedWait(this, until - System.nanoTime());
      }
    } catch (InterruptedException e) {
      // Nobody does that; but if so, it is meant to end.
      ended = true;
    }
    return !ended;
  }

  private void ask() {
    try {
      judge(probe.ask());
    } catch (RuntimeException e) {
      // Whatever it is: a guard that has ended would leave the gate as it is for good.
      LOG.debug("Redis does not tell its memory", e);
      failures.incrementAndGet();
      change(State.UNREACHABLE, String.valueOf(e.getMessage()));
    }
  }

  private void judge(List<NodeMemory> nodes) {
    NodeMemory fullest =
        nodes.stream()
            .max(Comparator.comparingDouble(NodeMemory::fraction))
            .orElseThrow(() -> new StoreException("no Redis node has any slot", null));
    usedFraction = fullest.fraction();
    if (fullest.maxBytes() == 0 && !toldUnbounded) {
      toldUnbounded = true;
      LOG.warn(
          "Redis has no maxmemory, so redis.max-memory-fraction has no effect: where its machine"
              + " runs out of memory it is killed. Set maxmemory.");
    }
    double bound = settings.maxFraction() * (state == State.FULL ? OPENS_AT : 1);
    change(fullest.fraction() >= bound ? State.FULL : State.OPEN, fullest.toString());
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
      tell(to, why);
    }
  }

  private void tell(State to, String why) {
    switch (to) {
      case OPEN -> LOG.info("Redis has room ({}); spans are read.", why);
      case FULL ->
          LOG.warn(
              "Redis is full ({}); no spans are read until flushes have made room. Where that does"
                  + " not help, the memory is not this job's: see what else is there, or give Redis"
                  + " more.",
              why);
      case UNREACHABLE -> LOG.warn("No spans are read, as a Redis node is silent: {}", why);
    }
  }

  @Override
  public void close() throws InterruptedException {
    synchronized (this) {
      ended = true;
      notifyAll();
    }
    // Flink takes the classes away when the last task is closed.
    thread.join(END_MILLIS);
  }
}
