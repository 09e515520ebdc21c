package io.spanfold.job.sink;

import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.util.IOUtils;

/**
 * Commits transactions, and sees to what was in those whose commit is known: a completed checkpoint
 * is not yet that. For segments that is to clean up; for dead letters nothing is left to do.
 *
 * <ul>
 *   <li>Committed: what was in it is seen to, see {@link PendingCleanUps} for where that fails.
 *   <li>The broker cannot tell now: Flink asks again, and restarts the job after some tries.
 *   <li>Refused, or unknown: see {@link AbortedTransactionRecovery}; where that does not help, the
 *       job restarts and commits again from the checkpoint.
 * </ul>
 *
 * <p>Without transactions the records were acknowledged before the checkpoint, and its completion
 * is all that this waits for.
 *
 * @param <T> what a committable names
 */
@SuppressWarnings(
    "try") // Kafka's committer may be interrupted while it closes, and who cancels wants that.
final class RecoveringCommitter<T> implements Committer<TransactionCommittable<T>> {

  private final Committer<KafkaCommittable> kafka;
  private final PostCommitAction<T> afterCommit;
  private final AbortedTransactionRecovery<T> refusedCommits;

  RecoveringCommitter(
      Committer<KafkaCommittable> kafka,
      PostCommitAction<T> afterCommit,
      AbortedTransactionRecovery<T> refusedCommits) {
    this.kafka = kafka;
    this.afterCommit = afterCommit;
    this.refusedCommits = refusedCommits;
  }

  @Override
  public void commit(Collection<CommitRequest<TransactionCommittable<T>>> requests)
      throws IOException, InterruptedException {
    // After the first failure the others only queue up: a Redis that is away holds up the commits
    // of a checkpoint by one try, not by one a transaction.
    boolean cleaning = true;
    Map<CommitRequest<TransactionCommittable<T>>, TransactionCommit> refused =
        new LinkedHashMap<>();
    for (CommitRequest<TransactionCommittable<T>> request : requests) {
      if (commit(request, refused)) {
        afterCommit.add(request.getCommittable().items());
        cleaning = cleaning && afterCommit.run();
      }
    }
    // Last, as a transaction that is still to be committed may be in the way of looking.
    for (var entry : refused.entrySet()) {
      if (followUp(entry.getKey(), entry.getValue())) {
        afterCommit.add(entry.getKey().getCommittable().items());
        cleaning = cleaning && afterCommit.run();
      }
    }
  }

  /** Commits one transaction; returns whether it is known to be committed. */
  private boolean commit(
      CommitRequest<TransactionCommittable<T>> request,
      Map<CommitRequest<TransactionCommittable<T>>, TransactionCommit> refused)
      throws IOException, InterruptedException {
    TransactionCommittable<T> committable = request.getCommittable();
    if (committable.transaction() == null) {
      return true;
    }
    // One at a time: what Kafka's committer signals is then about this one.
    TransactionCommit commit =
        new TransactionCommit(committable.transaction(), request.getNumberOfRetries());
    kafka.commit(List.of(commit));
    switch (commit.result()) {
      case COMMITTED -> {
        return true;
      }
      case RETRY -> request.retryLater();
      case REFUSED, UNKNOWN -> refused.put(request, commit);
    }
    return false;
  }

  /** Sees to a refused transaction; returns whether what it held is known to be committed. */
  private boolean followUp(
      CommitRequest<TransactionCommittable<T>> request, TransactionCommit commit)
      throws IOException, InterruptedException {
    TransactionCommittable<T> committable = request.getCommittable();
    if (refusedCommits.followUp(
        committable.transaction(), committable.since(), committable.items(), commit.cause())) {
      return true;
    }
    request.signalFailedWithUnknownReason(commit.cause());
    return false;
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(kafka, afterCommit, refusedCommits);
  }
}
