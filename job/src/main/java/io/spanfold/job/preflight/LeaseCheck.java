package io.spanfold.job.preflight;

import io.spanfold.buffer.lease.LeaseHolder;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.StoreException;
import java.util.Optional;

/**
 * Whether another job is at work on the buffer. This only tells sooner what the job itself would
 * find out: it takes nothing, and who may work on the buffer is decided by the lease alone.
 */
final class LeaseCheck {

  private final LeaseSettings lease;
  private final JobStart start;
  private final CheckReport findings;

  LeaseCheck(LeaseSettings lease, JobStart start, CheckReport findings) {
    this.lease = lease;
    this.start = start;
    this.findings = findings;
  }

  void run() throws InterruptedException {
    // Nothing is about to work on the buffer, and the job that is to be replaced may well be.
    // Or the job goes on from one that may not be wholly gone yet, as where its job manager was
    // lost and its task managers have not noticed: then it waits for the lease by itself.
    if (!start.runs() || start.restores()) {
      return;
    }
    try {
      Optional<LeaseHolder> other =
          LeaseStore.whoRenews(lease)
              .filter(holder -> !start.jobId().equals(Optional.of(holder.job())));
      other.ifPresent(holder -> findings.problem(refusal(holder)));
    } catch (StoreException e) {
      findings.warning(
          "It is not known whether another job works on the Redis at %s (%s); the job itself asks for the lease when it runs."
              .formatted(lease.redis().nodes(), e.getMessage()));
    }
  }

  private String refusal(LeaseHolder holder) {
    return "The Redis at %s is the buffer %s of job %s since %s, and that job is at work; stop it and start this one from its savepoint, or give this job (redis.buffer %s) a Redis of its own."
        .formatted(
            lease.redis().nodes(), holder.buffer(), holder.job(), holder.since(), lease.buffer());
  }
}
