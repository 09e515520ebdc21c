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
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;

/**
 * A share in the lease that the tasks of one attempt have of their buffer in one process. It is
 * taken and kept up in the background while there is a share; the last one lets it run out.
 *
 * <p>For use by any thread.
 */
public final class Lease implements AutoCloseable {

  private static final SharedResource<Key, LeaseKeeper> KEEPERS = new SharedResource<>();

  private static final int RUN_DIGITS = 32;

  private record Key(LeaseSettings settings, LeaseClaim claim) {}

  private final SharedResource.Share<LeaseKeeper> share;
  private final String job;
  private final Duration longestWait;

  private Lease(SharedResource.Share<LeaseKeeper> share, String job, Duration longestWait) {
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
    LeaseClaim claim = claim(settings.buffer(), metrics);
    SharedResource.Share<LeaseKeeper> share =
        KEEPERS.open(new Key(settings, claim), () -> LeaseKeeper.start(settings, claim));
    // Twice: where Redis is away for a while, and another job has the lease for another while.
    return new Lease(share, claim.job(), settings.acquireTimeout().multipliedBy(2));
  }

  /**
   * Waits until the lease is ours, and has been seen to be so lately. Returns at once while it is
   * renewed in time. Where Redis cannot be asked it goes on being ours, as nobody else can take it
   * there either.
   *
   * @return who takes locks under it
   * @throws SuppressRestartsException if another job has it and renews it: a restart of this job
   *     does not help
   * @throws LeaseSupersededException where it was ours, and somebody newer has it
   * @throws StoreException where Redis could not be asked for it for twice {@link
   *     LeaseSettings#acquireTimeout}
   */
  public LockOwner confirm() throws InterruptedException {
    return confirm(longestWait);
  }

  /** The same, waiting for {@code atMost}. */
  public LockOwner confirm(Duration atMost) throws InterruptedException {
    try {
      return new LockOwner(job, share.get().confirm(atMost));
    } catch (LeaseRefusedException e) {
      throw new SuppressRestartsException(e);
    }
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

  /**
   * Reads from the variables of a task's metrics which start of which job the task belongs to: the
   * one place where an operator and a committer both find it. All tasks of a start have the same
   * claim, since the pipeline is one region and Flink starts all of it together.
   */
  private static LeaseClaim claim(String buffer, MetricGroup metrics) {
    Map<String, String> variables = metrics.getAllVariables();
    String job = variables.get("<job_id>");
    // The ids of the execution graph, of the vertex and of the subtask, and the attempt's number.
    String attempt = variables.get("<task_attempt_id>");
    String number = variables.get("<task_attempt_num>");
    if (job == null || number == null || attempt == null || attempt.length() < RUN_DIGITS) {
      throw new IllegalStateException(
          "the metrics of this task lack its job and attempt, under which the lease of the buffer"
              + " is taken; they have "
              + variables.keySet());
    }
    // The id of the execution graph changes with a failover of the job manager, and with the
    // adaptive scheduler at each restart.
    return new LeaseClaim(buffer, job, attempt.substring(0, RUN_DIGITS), Integer.parseInt(number));
  }
}
