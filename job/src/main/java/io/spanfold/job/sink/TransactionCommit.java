package io.spanfold.job.sink;

import org.apache.flink.api.connector.sink2.Committer.CommitRequest;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;

/** One request to Kafka's committer, which remembers what the committer made of it. */
final class TransactionCommit implements CommitRequest<KafkaCommittable> {

  /** What became of a transaction. */
  enum Result {
    /** It is committed: Kafka's committer signals nothing then. */
    COMMITTED,
    /** The broker could not tell now. */
    RETRY,
    /**
     * The broker refuses for good: the transaction was aborted, or it was committed already by an
     * attempt before a restart. The two look alike from here.
     */
    REFUSED,
    /** Something else went wrong; the transaction may be open, committed or aborted. */
    UNKNOWN
  }

  private final KafkaCommittable transaction;
  private final int retries;
  private Result result = Result.COMMITTED;
  private Throwable cause;

  TransactionCommit(KafkaCommittable transaction, int retries) {
    this.transaction = transaction;
    this.retries = retries;
  }

  Result result() {
    return result;
  }

  /** Returns why it failed; null where it did not. */
  Throwable cause() {
    return cause;
  }

  @Override
  public KafkaCommittable getCommittable() {
    return transaction;
  }

  @Override
  public int getNumberOfRetries() {
    return retries;
  }

  @Override
  public void signalFailedWithKnownReason(Throwable reason) {
    result = Result.REFUSED;
    cause = reason;
  }

  @Override
  public void signalFailedWithUnknownReason(Throwable reason) {
    result = Result.UNKNOWN;
    cause = reason;
  }

  @Override
  public void retryLater() {
    result = Result.RETRY;
  }

  @Override
  public void updateAndRetryLater(KafkaCommittable updated) {
    // Not done by Kafka's committer. Losing the update silently would be worse than a restart.
    throw new UnsupportedOperationException("Kafka's committer changed a transaction: " + updated);
  }

  @Override
  public void signalAlreadyCommitted() {
    result = Result.COMMITTED;
  }
}
