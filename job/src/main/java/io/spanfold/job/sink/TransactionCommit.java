package io.spanfold.job.sink;

import org.apache.flink.api.connector.sink2.Committer.CommitRequest;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;

/** One request to Kafka's committer, which remembers what the committer signals. */
final class TransactionCommit implements CommitRequest<KafkaCommittable> {

  enum Result {
    /** Kafka's committer signals nothing then. */
    COMMITTED,
    /** The broker could not answer now. */
    RETRY,
    /**
     * The broker refuses permanently: the transaction was aborted, or an attempt before a restart
     * committed it. Both give the same answer.
     */
    REFUSED,
    /** Another failure; the transaction may be open, committed or aborted. */
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

  /** Returns why it failed; null if it did not. */
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
    // Kafka's committer does not do it. To lose the update silently would be worse than a restart.
    throw new UnsupportedOperationException("Kafka's committer changed a transaction: " + updated);
  }

  @Override
  public void signalAlreadyCommitted() {
    result = Result.COMMITTED;
  }
}
