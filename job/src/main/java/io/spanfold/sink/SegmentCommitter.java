package io.spanfold.sink;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;

/**
 * Commits transactions, and cleans up after those whose commit is known: a completed checkpoint is
 * not yet that.
 *
 * <ul>
 *   <li>Committed: its parts are cleaned up, see {@link PendingCleanUps} for where that fails.
 *   <li>The broker cannot tell now: Flink asks again, and restarts the job after some tries.
 *   <li>Refused: see {@link RefusedCommits}.
 *   <li>Unknown: the job restarts and commits again from the checkpoint.
 * </ul>
 *
 * <p>Without transactions the records were acknowledged before the checkpoint, and its completion
 * is all that the clean-up waits for.
 */
@SuppressWarnings(
    "try") // Kafka's committer may be interrupted while it closes, and who cancels wants that.
final class SegmentCommitter implements Committer<SegmentCommittable> {

  /** A receipt takes some tens of bytes a span, so this is of the order of 100 MB. */
  private static final long MAX_PENDING_SPANS = 1_000_000;

  private final Committer<KafkaCommittable> kafka;
  private final PendingCleanUps cleanUps;
  private final RefusedCommits refusedCommits;

  SegmentCommitter(
      Committer<KafkaCommittable> kafka, CleanUp.Factory cleanUp, MetricGroup metrics) {
    this.kafka = kafka;
    this.cleanUps = new PendingCleanUps(cleanUp, metrics, MAX_PENDING_SPANS);
    this.refusedCommits = new RefusedCommits(metrics);
  }

  @Override
  public void commit(Collection<CommitRequest<SegmentCommittable>> requests)
      throws IOException, InterruptedException {
    // After the first failure the others only queue up: a Redis that is away holds up the commits
    // of a checkpoint by one try, not by one a transaction.
    boolean cleaning = true;
    for (CommitRequest<SegmentCommittable> request : requests) {
      if (commit(request)) {
        cleanUps.add(request.getCommittable().receipts());
        cleaning = cleaning && cleanUps.run();
      }
    }
  }

  /** Commits one transaction; returns whether it is known to be committed. */
  private boolean commit(CommitRequest<SegmentCommittable> request)
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
      case REFUSED -> {
        refusedCommits.add(committable, commit.cause());
        request.signalFailedWithKnownReason(commit.cause());
      }
      case UNKNOWN -> request.signalFailedWithUnknownReason(commit.cause());
    }
    return false;
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(kafka, cleanUps);
  }
}
