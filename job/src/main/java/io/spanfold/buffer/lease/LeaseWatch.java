package io.spanfold.buffer.lease;

import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Looks, without wanting the lease, whether somebody is at work on the buffer. A lease by itself is
 * no proof: that of a job which has ended, or was killed, stays for a while. One that becomes
 * longer is.
 */
public final class LeaseWatch {

  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

  /** So many renewals would have to go amiss before a job that works is overlooked. */
  private static final int RENEWALS_WATCHED = 3;

  private LeaseWatch() {}

  /**
   * Returns who renews the lease. Takes no time where nobody has it; a second, as a rule, where
   * somebody renews it; and three where it is only left over.
   *
   * @throws StoreException where Redis cannot be asked
   */
  public static Optional<LeaseHolder> whoRenews(LeaseSettings settings)
      throws InterruptedException {
    try (LeaseStore store = new LeaseStore(settings.redis())) {
      long end = System.nanoTime() + settings.renewal().multipliedBy(RENEWALS_WATCHED).toNanos();
      Optional<LeaseHolder> before = store.look();
      while (before.isPresent() && end - System.nanoTime() > 0) {
        pause();
        Optional<LeaseHolder> now = store.look();
        if (now.isPresent() && isRenewed(before.get(), now.get())) {
          return now;
        }
        before = now;
      }
      return Optional.empty();
    }
  }

  private static boolean isRenewed(LeaseHolder before, LeaseHolder now) {
    return now.left().compareTo(before.left()) > 0 || !now.job().equals(before.job());
  }

  private static void pause() throws InterruptedException {
    Object nobody = new Object();
    long until = System.nanoTime() + BETWEEN_LOOKS.toNanos();
    synchronized (nobody) {
      while (until - System.nanoTime() > 0) {
        TimeUnit.NANOSECONDS.timedWait(nobody, until - System.nanoTime());
      }
    }
  }
}
