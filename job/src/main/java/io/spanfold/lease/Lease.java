package io.spanfold.lease;

import io.spanfold.shared.Shared;
import io.spanfold.store.LockOwner;
import io.spanfold.store.StoreException;
import java.time.Duration;
import org.apache.flink.metrics.MetricGroup;

/**
 * A share in the lease that the tasks of one attempt have of their buffer in one process. It is
 * taken and kept up in the background while there is a share; the last one lets it run out.
 *
 * <p>For use by any thread.
 */
public final class Lease implements AutoCloseable {

  private static final Shared<Key, LeaseKeeper> KEEPERS = new Shared<>();

  private record Key(LeaseSettings settings, TaskAttempt attempt) {}

  private final Shared.Share<LeaseKeeper> share;
  private final String job;
  private final Duration longestWait;

  private Lease(Shared.Share<LeaseKeeper> share, String job, Duration longestWait) {
    this.share = share;
    this.job = job;
    this.longestWait = longestWait;
  }

  /**
   * Asks for the lease, without waiting for it.
   *
   * @param settings which, and how it is kept
   * @param metrics those of a task, which tell the attempt it belongs to
   */
  public static Lease open(LeaseSettings settings, MetricGroup metrics) {
    TaskAttempt attempt = TaskAttempt.of(metrics);
    Shared.Share<LeaseKeeper> share =
        KEEPERS.open(new Key(settings, attempt), () -> LeaseKeeper.start(settings, attempt));
    // Twice: where Redis is away for a while, and another job has the lease for another while.
    return new Lease(share, attempt.job(), settings.patience().multipliedBy(2));
  }

  /**
   * Waits until the lease is ours, and has been seen to be so lately. Returns at once while it is
   * renewed in time. Where Redis cannot be asked it goes on being ours, as nobody else can take it
   * there either.
   *
   * @return who takes locks under it
   * @throws LeaseRefusedException where another job has it, and goes on renewing it
   * @throws LeaseSupersededException where it was ours, and somebody newer has it
   * @throws StoreException where Redis could not be asked for it for twice {@link
   *     LeaseSettings#patience}
   */
  public LockOwner confirm() throws InterruptedException {
    return confirm(longestWait);
  }

  /** The same, waiting for {@code atMost}. */
  public LockOwner confirm(Duration atMost) throws InterruptedException {
    return new LockOwner(job, share.get().confirm(atMost));
  }

  /**
   * Holds what Redis has now against what is ours.
   *
   * @param epochInRedis the epoch that was read there just now
   * @throws LeaseSupersededException where it is newer
   */
  public void check(long epochInRedis) {
    share.get().check(epochInRedis);
  }

  /** Registers what is to be known of it. */
  public void register(MetricGroup metrics) {
    LeaseKeeper keeper = share.get();
    metrics.gauge("leaseEpoch", keeper::epoch);
    metrics.gauge("leaseRenewalsFailed", keeper::failures);
  }

  @Override
  public void close() {
    try {
      share.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      throw new IllegalStateException("cannot close the lease", e);
    }
  }
}
