package io.spanfold.job.lease;

import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseKeeper;
import io.spanfold.buffer.lease.LeaseRefusedException;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseSupersededException;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.job.resource.SharedResource;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lease of the buffer, which the tasks of one attempt share in a process. It is acquired and
 * renewed in the background while a task has it open, and expires after the last one is closed.
 *
 * <p>Thread-safe.
 */
public final class Lease implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Lease.class);

  private static final SharedResource<Key, LeaseKeeper> KEEPERS = new SharedResource<>();

  private static final int RUN_DIGITS = 32;

  private static final Duration REMINDER = Duration.ofMinutes(1);

  private record Key(LeaseSettings settings, LeaseClaim claim) {}

  private final SharedResource.Share<LeaseKeeper> share;
  private final String job;

  private Lease(SharedResource.Share<LeaseKeeper> share, String job) {
    this.share = share;
    this.job = job;
  }

  /**
   * Asks for the lease, without waiting for it.
   *
   * @param metrics those of a task, which identify its attempt
   */
  public static Lease open(LeaseSettings settings, MetricGroup metrics) {
    LeaseClaim claim = claim(settings.buffer(), metrics);
    SharedResource.Share<LeaseKeeper> share =
        KEEPERS.open(new Key(settings, claim), () -> LeaseKeeper.start(settings, claim));
    return new Lease(share, claim.job());
  }

  /**
   * Waits until this attempt has the lease and has recently confirmed that, for as long as Redis
   * does not answer or refuses. Returns at once while the lease is renewed in time. While Redis
   * does not answer, the lease stays valid, because no other job can acquire it either.
   *
   * @return the owner of locks under the lease
   * @throws SuppressRestartsException if another job has the lease and renews it, so that a restart
   *     of this job does not help
   * @throws LeaseSupersededException if a newer attempt or job has acquired the lease since
   */
  public LockOwner confirm() throws InterruptedException {
    while (true) {
      try {
        return confirm(REMINDER);
      } catch (StoreException e) {
        LOG.warn("Still waiting: {}", e.getMessage());
      }
    }
  }

  /**
   * Like {@link #confirm()}, but waits no longer than {@code atMost}.
   *
   * @throws StoreException if that is over
   */
  public LockOwner confirm(Duration atMost) throws InterruptedException {
    try {
      return new LockOwner(job, share.get().confirm(atMost));
    } catch (LeaseRefusedException e) {
      throw new SuppressRestartsException(e);
    }
  }

  /**
   * Returns whether this attempt has the lease.
   *
   * @throws SuppressRestartsException if another job has the lease and renews it
   * @throws LeaseSupersededException if a newer attempt or job has acquired the lease since
   */
  public boolean isHeld() {
    try {
      return share.get().isHeld();
    } catch (LeaseRefusedException e) {
      throw new SuppressRestartsException(e);
    }
  }

  /**
   * Returns the lowest epoch that an attempt of this run of the job can have; only while the lease
   * is held.
   */
  public long firstEpoch() {
    return share.get().firstEpoch();
  }

  /** Returns a future that completes once {@link #isHeld} no longer returns false. */
  public CompletableFuture<Void> whenDecided() {
    return share.get().whenDecided();
  }

  /**
   * Compares the epoch of the lease with that in Redis.
   *
   * @param epochInRedis the epoch that was just read
   * @throws LeaseSupersededException if it is newer
   */
  public void check(long epochInRedis) {
    share.get().check(epochInRedis);
  }

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

  /**
   * Reads the job and the attempt of a task from the variables of its metrics, the only place where
   * both an operator and a committer find them. All tasks of an attempt have the same claim, since
   * the pipeline is one region and Flink starts all of it together.
   */
  private static LeaseClaim claim(String buffer, MetricGroup metrics) {
    Map<String, String> variables = metrics.getAllVariables();
    String job = variables.get("<job_id>");
    // The ids of the execution graph, of the vertex and of the subtask, and the attempt's number.
    String attempt = variables.get("<task_attempt_id>");
    String number = variables.get("<task_attempt_num>");
    if (job == null || number == null || attempt == null || attempt.length() < RUN_DIGITS) {
      throw new IllegalStateException(
          "the metrics of this task lack its job and attempt, which identify the holder of the"
              + " lease; they have "
              + variables.keySet());
    }
    // The id of the execution graph changes with a failover of the job manager, and with the
    // adaptive scheduler at each restart.
    return new LeaseClaim(buffer, job, attempt.substring(0, RUN_DIGITS), Integer.parseInt(number));
  }
}
