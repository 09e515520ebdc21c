package io.spanfold.buffer.lease;

import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.util.Optional;

/**
 * Finds out, without a claim, whether a job is using the buffer. A lease alone proves nothing: that
 * of a job that has ended or was killed stays for a while. A renewal does.
 */
public final class LeaseWatch {

  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

  /** A job that renews is overlooked only if this many renewals in a row are late. */
  private static final int RENEWALS_WATCHED = 3;

  private LeaseWatch() {}

  /**
   * Returns who renews the lease. Returns at once if nobody holds it, usually within a second if
   * somebody renews it, and after three seconds if nobody does.
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

  private static boolean isRenewed(LeaseHolder before, LeaseHolder now) {
    return now.left().compareTo(before.left()) > 0 || !now.job().equals(before.job());
  }
}
