package io.spanfold.sink;

import io.spanfold.model.FlushedPart.Receipt;
import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.util.IOUtils;

/**
 * Commits transactions, and cleans up after those whose commit is known: a completed checkpoint is
 * not yet that.
 *
 * <ul>
 *   <li>Committed: its parts are cleaned up, see {@link PendingCleanUps} for where that fails.
 *   <li>The broker cannot tell now: Flink asks again, and restarts the job after some tries.
 *   <li>Refused, or unknown: see {@link RefusedCommits}; where that does not help, the job restarts
 *       and commits again from the checkpoint.
 * </ul>
 *
 * <p>Without transactions the records were acknowledged before the checkpoint, and its completion
 * is all that the clean-up waits for.
 */
@SuppressWarnings(
    "try") // Kafka's committer may be interrupted while it closes, and who cancels wants that.
final class SegmentCommitter implements Committer<SegmentCommittable> {

  private final Committer<KafkaCommittable> kafka;
  private final PendingCleanUps cleanUps;
  private final RefusedCommits<Receipt> refusedCommits;

  SegmentCommitter(
      Committer<KafkaCommittable> kafka,
      PendingCleanUps cleanUps,
      RefusedCommits<Receipt> refusedCommits) {
    this.kafka = kafka;
    this.cleanUps = cleanUps;
    this.refusedCommits = refusedCommits;
  }

  @Override
  public void commit(Collection<CommitRequest<SegmentCommittable>> requests)
      throws IOException, InterruptedException {
    // After the first failure the others only queue up: a Redis that is away holds up the commits
    // of a checkpoint by one try, not by one a transaction.
    boolean cleaning = true;
    Map<CommitRequest<SegmentCommittable>, TransactionCommit> refused = new LinkedHashMap<>();
    for (CommitRequest<SegmentCommittable> request : requests) {
      if (commit(request, refused)) {
        cleanUps.add(request.getCommittable().receipts());
        cleaning = cleaning && cleanUps.run();
      }
    }
    // Last, as a transaction that is still to be committed may be in the way of looking.
    for (var entry : refused.entrySet()) {
      if (followUp(entry.getKey(), entry.getValue())) {
        cleanUps.add(entry.getKey().getCommittable().receipts());
        cleaning = cleaning && cleanUps.run();
      }
    }
  }

  /** Commits one transaction; returns whether it is known to be committed. */
  private boolean commit(
      CommitRequest<SegmentCommittable> request,
      Map<CommitRequest<SegmentCommittable>, TransactionCommit> refused)
      throws IOException, InterruptedException {
    SegmentCommittable committable = request.getCommittable();
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
  private boolean followUp(CommitRequest<SegmentCommittable> request, TransactionCommit commit)
      throws IOException, InterruptedException {
    SegmentCommittable committable = request.getCommittable();
    if (refusedCommits.followUp(
        committable.transaction(), committable.since(), committable.receipts(), commit.cause())) {
      return true;
    }
    request.signalFailedWithUnknownReason(commit.cause());
    return false;
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(kafka, cleanUps, refusedCommits);
  }
}
