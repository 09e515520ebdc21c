package io.spanfold.buffer.lease;

import io.spanfold.buffer.redis.RedisPoller;
import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the lease and renews it, in a thread of its own: one keeper for each attempt and process.
 *
 * <ul>
 *   <li>If the lease is free, or held by an older attempt, it is taken at once.
 *   <li>If another job holds it, that job may be dead: the keeper asks again with each renewal, and
 *       gives up when the lease is still held after {@link LeaseSettings#acquireTimeout}.
 *   <li>If Redis does not answer, the keeper asks again with the next renewal. A lease that was
 *       held stays held: no other process can take it from this Redis either, and one that takes it
 *       on the other side of a network partition gets a newer epoch.
 *   <li>If another process has a newer epoch, the lease is lost.
 * </ul>
 *
 * <p>For use by any thread.
 */
public final class LeaseKeeper implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);

  private static final long REMIND_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final LeaseSettings settings;
  private final LeaseClaim claim;
  private final LeaseStore store;
  private final RedisPoller poller;
  private final CompletableFuture<Void> decided = new CompletableFuture<>();

  // Guarded by this.
  private LeaseAnswer held;
  private LeaseException lost;
  private RuntimeException lastFailure;
  private long failures;

  /** The time of the last question that was answered or has failed. */
  private long askedNanos;

  // Confined to the poller's thread.
  private long busySinceNanos;
  private boolean busy;
  private boolean failing;
  private long remindedNanos;

  private LeaseKeeper(LeaseSettings settings, LeaseClaim claim) {
    this.settings = settings;
    this.claim = claim;
    this.store = new LeaseStore(settings.redis());
    this.poller = new RedisPoller("lease of " + settings.buffer());
  }

  /** Starts to take the lease for {@code claim}, in the background. */
  public static LeaseKeeper start(LeaseSettings settings, LeaseClaim claim) {
    LeaseKeeper keeper = new LeaseKeeper(settings, claim);
    keeper.poller.start(keeper::ask, settings.renewal());
    return keeper;
  }

  /** Returns the epoch; 0 before the lease is held. */
  public synchronized long epoch() {
    return held == null ? 0 : held.epoch();
  }

  /**
   * Returns whether the lease is held, perhaps without a recent confirmation.
   *
   * @throws LeaseException if it was refused or taken over, as {@link #confirm} has it
   */
  public synchronized boolean isHeld() {
    if (lost != null) {
      throw lost;
    }
    return held != null;
  }

  /** Returns a future that completes once the lease is held, or will never be. */
  public CompletableFuture<Void> whenDecided() {
    return decided;
  }

  /**
   * Returns the lowest epoch that an attempt of this run can have; only while the lease is held. In
   * the first run of a job it is the time at which the job took the lease first, because epochs are
   * not below the time. A later run may follow one whose state is lost, so it is on its own.
   */
  public synchronized long firstEpoch() {
    return held.past().isBlank()
        ? Math.min(held.since().toEpochMilli(), held.epoch())
        : held.epoch();
  }

  /** Returns how many questions to Redis failed. */
  public synchronized long failures() {
    return failures;
  }

  /**
   * Waits until the lease is held and Redis has confirmed it recently.
   *
   * @param timeout the longest wait
   * @return the epoch under which it is held
   * @throws LeaseRefusedException if another job holds the lease and renews it
   * @throws LeaseSupersededException if a newer attempt or another job has taken it over
   * @throws StoreException if Redis did not answer in time
   */
  public synchronized long confirm(Duration timeout) throws InterruptedException {
    long start = System.nanoTime();
    while (true) {
      if (lost != null) {
        throw lost;
      }
      long now = System.nanoTime();
      // A failed question can take longer than an answer is trusted: it counts if it is as recent
      // as this call.
      boolean recent = now - askedNanos < settings.trusted().toNanos() || askedNanos - start >= 0;
      if (held != null && recent) {
        return held.epoch();
      }
      long leftMillis = timeout.minusNanos(now - start).toMillis();
      if (leftMillis <= 0) {
        throw new StoreException(
            "the lease of buffer %s could not be confirmed within %s; check whether Redis is reachable, and who holds the lease (key span-buf:lease)"
                .formatted(settings.buffer(), timeout),
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
      throw superseded("another process", epochInRedis);
    }
  }

  @Override
  public void close() throws InterruptedException {
    poller.close(this::release);
  }

  private void ask() {
    LeaseAnswer mine;
    synchronized (this) {
      if (lost != null) {
        return;
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
    } catch (RuntimeException e) {
      failed(e, start);
    }
  }

  private void answered(LeaseAnswer answer, long start) {
    if (failing) {
      LOG.info("The lease of buffer {} is renewed again.", settings.buffer());
      failing = false;
    }
    LeaseException end = null;
    switch (answer.state()) {
      case HELD -> {
        if (epoch() == 0) {
          LOG.info("Took the lease of buffer {} with epoch {}.", answer.buffer(), answer.epoch());
        }
      }
      case SUPERSEDED -> end = superseded("job " + answer.job(), answer.epoch());
      case BUSY -> end = busy(answer, start);
    }
    synchronized (this) {
      if (answer.state() == LeaseAnswer.State.HELD) {
        held = answer;
      }
      lost = end;
      askedNanos = start;
      notifyAll();
    }
    if (end != null || answer.state() == LeaseAnswer.State.HELD) {
      decided.complete(null);
    }
  }

  /** Returns the reason to give up; null while it is worth waiting. */
  private LeaseRefusedException busy(LeaseAnswer answer, long start) {
    if (!busy) {
      busy = true;
      busySinceNanos = start;
      LOG.warn(
          "Waiting for the lease: job {} has used this Redis as buffer {} since {}. The lease ends"
              + " in {} ms unless that job renews it.",
          answer.job(),
          answer.buffer(),
          answer.since(),
          answer.left().toMillis());
    }
    if (System.nanoTime() - busySinceNanos < settings.acquireTimeout().toNanos()) {
      return null;
    }
    return new LeaseRefusedException(
        "the Redis at %s is the buffer %s of job %s since %s, and that job is running; stop it, or give this job (buffer %s) a Redis of its own"
            .formatted(
                settings.redis().nodes(),
                answer.buffer(),
                answer.job(),
                answer.since(),
                settings.buffer()));
  }

  private LeaseSupersededException superseded(String by, long epoch) {
    return new LeaseSupersededException(
        "attempt %d of job %s has lost the lease of buffer %s: %s took it over with epoch %d. If this task manager was stalled or disconnected, nothing needs to be done; otherwise check whether two jobs with the same id write to this Redis"
            .formatted(claim.attempt(), claim.job(), settings.buffer(), by, epoch));
  }

  private void failed(RuntimeException e, long start) {
    if (!failing || start - remindedNanos > REMIND_NANOS) {
      remindedNanos = start;
      LOG.warn(
          "The lease of buffer {} cannot be renewed; retrying every {} ms.",
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

  private void release() {
    LeaseAnswer mine;
    synchronized (this) {
      mine = lost == null ? held : null;
    }
    try (store) {
      if (mine != null) {
        store.release(mine.epoch(), settings.released());
      }
    } catch (StoreException e) {
      LOG.info(
          "The lease of buffer {} could not be released; it ends in {} ms.",
          settings.buffer(),
          settings.ttl().toMillis(),
          e);
    }
  }
}
