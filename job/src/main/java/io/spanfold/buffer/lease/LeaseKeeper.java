package io.spanfold.buffer.lease;

import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the lease and renews it, in a thread of its own: one for each attempt and process.
 *
 * <ul>
 *   <li>Free, or that of an older attempt: it is ours at once.
 *   <li>That of another job: perhaps only left over, so it is waited for; who still does not get it
 *       after {@link LeaseSettings#acquireTimeout} has seen it renewed, and is refused.
 *   <li>Redis cannot be asked: tried again with the next renewal. A lease that is ours stays so, as
 *       nobody else can take it there either; who took it where we cannot see it has a newer epoch.
 *   <li>Somebody has a newer epoch: it is over.
 * </ul>
 */
public final class LeaseKeeper implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);

  /** Longer than a call takes that is under way, with its retries. */
  private static final Duration END = Duration.ofSeconds(6);

  private final LeaseSettings settings;
  private final LeaseClaim claim;
  private final LeaseStore store;
  private final Thread thread;

  // Guarded by this.
  private LeaseAnswer held;
  private LeaseException over;
  private boolean ended;
  private StoreException lastFailure;
  private long failures;

  /** When the last question to Redis was put that has an end, be it an answer or none. */
  private long askedNanos;

  // Confined to the thread.
  private long busySinceNanos;
  private boolean busy;
  private boolean failing;

  private LeaseKeeper(LeaseSettings settings, LeaseClaim claim) {
    this.settings = settings;
    this.claim = claim;
    this.store = new LeaseStore(settings.redis());
    this.thread = new Thread(this::run, "lease of " + settings.buffer());
    thread.setDaemon(true);
    thread.setContextClassLoader(LeaseKeeper.class.getClassLoader());
  }

  /** Starts to take the lease for {@code claim}, in the background. */
  public static LeaseKeeper start(LeaseSettings settings, LeaseClaim claim) {
    LeaseKeeper keeper = new LeaseKeeper(settings, claim);
    keeper.thread.start();
    return keeper;
  }

  /** Returns the epoch; 0 as long as there is none. */
  public synchronized long epoch() {
    return held == null ? 0 : held.epoch();
  }

  /** Returns how often Redis could not be asked. */
  public synchronized long failures() {
    return failures;
  }

  /**
   * Waits until the lease is held and was confirmed by Redis lately.
   *
   * @param atMost how long to wait
   * @return the epoch under which it is held
   * @throws LeaseRefusedException if another job has the lease and renews it
   * @throws LeaseSupersededException if a newer attempt or another job took it over
   * @throws StoreException if Redis did not answer in time
   */
  public synchronized long confirm(Duration atMost) throws InterruptedException {
    long start = System.nanoTime();
    while (true) {
      if (over != null) {
        throw over;
      }
      long now = System.nanoTime();
      // Asking in vain can take longer than an answer is believed: having asked since is enough.
      boolean lately = now - askedNanos < settings.trusted().toNanos() || askedNanos - start >= 0;
      if (held != null && lately) {
        return held.epoch();
      }
      long leftMillis = atMost.minusNanos(now - start).toMillis();
      if (leftMillis <= 0) {
        throw new StoreException(
            "the lease of buffer %s was not to be had in %s; see whether Redis can be reached, and who has it in the key span-buf:lease"
                .formatted(settings.buffer(), atMost),
            lastFailure);
      }
      wait(leftMillis);
    }
  }

  /**
   * Compares an epoch that was read from Redis with the one held here.
   *
   * @throws LeaseSupersededException if it is newer
   */
  public synchronized void check(long epochInRedis) {
    if (held != null && epochInRedis > held.epoch()) {
      throw superseded("somebody", epochInRedis);
    }
  }

  @Override
  public void close() throws InterruptedException {
    synchronized (this) {
      ended = true;
      notifyAll();
    }
    // Flink takes the classes away when the last task is closed.
    thread.join(END.toMillis());
  }

  private void run() {
    try (store) {
      while (step()) {
        pause();
      }
      release();
    } catch (RuntimeException e) {
      LOG.error("The lease of buffer {} is no longer renewed", settings.buffer(), e);
    }
  }

  /** Asks once; returns whether to go on. */
  private boolean step() {
    LeaseAnswer mine;
    synchronized (this) {
      if (ended) {
        return false;
      }
      mine = held;
    }
    long start = System.nanoTime();
    try {
      LeaseAnswer answer =
          mine == null
              ? store.take(claim, settings.ttl())
              : store.renew(claim, mine, settings.ttl());
      answered(answer, start);
    } catch (StoreException e) {
      failed(e, start);
    }
    synchronized (this) {
      return over == null;
    }
  }

  private void answered(LeaseAnswer answer, long start) {
    if (failing) {
      LOG.info("The lease of buffer {} can be renewed again.", settings.buffer());
      failing = false;
    }
    LeaseException end = null;
    switch (answer.state()) {
      case HELD -> {
        if (epoch() == 0) {
          LOG.info("Has the lease of buffer {} with epoch {}.", answer.buffer(), answer.epoch());
        }
      }
      case SUPERSEDED -> end = superseded("job " + answer.job(), answer.epoch());
      case BUSY -> end = busy(answer, start);
    }
    synchronized (this) {
      if (answer.state() == LeaseAnswer.State.HELD) {
        held = answer;
      }
      over = end;
      askedNanos = start;
      notifyAll();
    }
  }

  /** Returns why to give up; null where it is waited on. */
  private LeaseRefusedException busy(LeaseAnswer answer, long start) {
    if (!busy) {
      busy = true;
      busySinceNanos = start;
      LOG.warn(
          "Waits for the lease: this Redis is the buffer {} of job {} since {}; left for {} ms"
              + " unless that job renews it.",
          answer.buffer(),
          answer.job(),
          answer.since(),
          answer.left().toMillis());
    }
    if (System.nanoTime() - busySinceNanos < settings.acquireTimeout().toNanos()) {
      return null;
    }
    return new LeaseRefusedException(
        "the Redis at %s is the buffer %s of job %s since %s, and that job is at work; stop it, or give this job (buffer %s) a Redis of its own"
            .formatted(
                settings.redis().nodes(),
                answer.buffer(),
                answer.job(),
                answer.since(),
                settings.buffer()));
  }

  private LeaseSupersededException superseded(String by, long epoch) {
    return new LeaseSupersededException(
        "attempt %d of job %s no longer has the lease of buffer %s: %s took it over with epoch %d. Nothing is to be done where this task manager was stalled or cut off; else see whether two jobs with one id write to this Redis"
            .formatted(claim.attempt(), claim.job(), settings.buffer(), by, epoch));
  }

  private void failed(StoreException e, long start) {
    if (!failing) {
      LOG.warn(
          "Redis cannot be asked for the lease of buffer {}; asks again each {} ms.",
          settings.buffer(),
          settings.renewal().toMillis(),
          e);
      failing = true;
    }
    synchronized (this) {
      failures++;
      lastFailure = e;
      askedNanos = start;
      notifyAll();
    }
  }

  private synchronized void pause() {
    long until = System.nanoTime() + settings.renewal().toNanos();
    try {
      while (!ended && until - System.nanoTime() > 0) {
        wait(Math.max(1, (until - System.nanoTime()) / 1_000_000));
      }
    } catch (InterruptedException e) {
      // Nobody does that; but if so, it is meant to end.
      ended = true;
    }
  }

  private void release() {
    long epoch = epoch();
    synchronized (this) {
      if (epoch == 0 || over != null) {
        return;
      }
    }
    try {
      store.release(epoch, settings.released());
    } catch (StoreException e) {
      LOG.info(
          "The lease of buffer {} could not be released, so ends in {} ms.",
          settings.buffer(),
          settings.ttl().toMillis(),
          e);
    }
  }
}
