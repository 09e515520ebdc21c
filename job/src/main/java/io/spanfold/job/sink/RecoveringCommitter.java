package io.spanfold.job.sink;

import io.spanfold.job.sink.RecoveryStrategy.Recovery;
import io.spanfold.job.sink.TransactionCommittable.Pending;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.util.IOUtils;

/**
 * Commits transactions, and reports the items of those whose commit is known: a completed
 * checkpoint does not prove that. For each transaction, either
 *
 * <ul>
 *   <li>it is committed; or
 *   <li>the broker cannot answer now: Flink retries, and restarts the job after some tries; or
 *   <li>the commit is refused, or its outcome is unknown: see {@link AbortedTransactionRecovery}.
 *       If that fails, the job restarts and commits again from the checkpoint.
 * </ul>
 *
 * <p>Without transactions the records were acknowledged before the checkpoint, so its completion is
 * enough.
 *
 * @param <T> an item
 */
@SuppressWarnings("try") // Kafka's committer can be interrupted while it closes, on cancellation.
final class RecoveringCommitter<T> implements Committer<TransactionCommittable<T>> {

  private final Committer<KafkaCommittable> kafka;
  private final Recovery<T> items;
  private final AbortedTransactionRecovery<T> aborted;
  private final String task;

  /** Of committables that are not committed yet, which Flink asks for again. */
  private final Set<Pending<T>> takenOver = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * @param task identifies this attempt of the task
   */
  RecoveringCommitter(
      Committer<KafkaCommittable> kafka,
      Recovery<T> items,
      AbortedTransactionRecovery<T> aborted,
      String task) {
    this.kafka = kafka;
    this.items = items;
    this.aborted = aborted;
    this.task = task;
  }

  @Override
  public void commit(Collection<CommitRequest<TransactionCommittable<T>>> requests)
      throws IOException, InterruptedException {
    for (CommitRequest<TransactionCommittable<T>> request : requests) {
      takeOver(request.getCommittable().pending());
    }
    // If the end is not reached, a restart commits all of it again and finds what is committed.
    List<TransactionCommittable<T>> committed = new ArrayList<>();
    Map<CommitRequest<TransactionCommittable<T>>, TransactionCommit> failed = new LinkedHashMap<>();
    for (CommitRequest<TransactionCommittable<T>> request : requests) {
      if (commit(request, failed)) {
        committed.add(request.getCommittable());
      }
    }
    // Last, because a transaction that is not committed yet can block reading the topics.
    for (var entry : failed.entrySet()) {
      if (recover(entry.getKey(), entry.getValue())) {
        committed.add(entry.getKey().getCommittable());
      }
    }
    boolean last = false;
    for (TransactionCommittable<T> committable : committed) {
      items.committed(committable.items());
      takenOver.remove(committable.pending());
      last |= committable.last();
    }
    if (last) {
      items.finish();
    }
  }

  /** Takes over what another attempt left to do, once. What this one left, it has in memory. */
  private void takeOver(Pending<T> pending) {
    if (!pending.task().equals(task) && takenOver.add(pending)) {
      pending.items().forEach(items::committed);
    }
  }

  /** Commits one transaction; returns whether it is known to be committed. */
  private boolean commit(
      CommitRequest<TransactionCommittable<T>> request,
      Map<CommitRequest<TransactionCommittable<T>>, TransactionCommit> failed)
      throws IOException, InterruptedException {
    TransactionCommittable<T> committable = request.getCommittable();
    if (committable.transaction() == null) {
      return true;
    }
    // One at a time, so that a signal of Kafka's committer is about this one.
    TransactionCommit commit =
        new TransactionCommit(committable.transaction(), request.getNumberOfRetries());
    kafka.commit(List.of(commit));
    switch (commit.result()) {
      case COMMITTED -> {
        return true;
      }
      case RETRY -> request.retryLater();
      case REFUSED, UNKNOWN -> failed.put(request, commit);
    }
    return false;
  }

  /** Recovers a failed transaction; returns whether its items are known to be committed. */
  private boolean recover(
      CommitRequest<TransactionCommittable<T>> request, TransactionCommit commit)
      throws IOException, InterruptedException {
    if (aborted.recover(request.getCommittable(), commit.cause())) {
      return true;
    }
    request.signalFailedWithUnknownReason(commit.cause());
    return false;
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(kafka, items);
  }
}
