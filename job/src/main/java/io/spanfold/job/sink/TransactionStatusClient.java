package io.spanfold.job.sink;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;

/** Asks the broker for the status of transactions. For use by one thread, which it blocks. */
final class TransactionStatusClient implements AutoCloseable {

  private static final long TIMEOUT_SECONDS = 30;

  private final Admin admin;

  enum Status {
    COMMITTED,
    /** It has ended: it was aborted, or the broker no longer knows that it was committed. */
    ENDED,
    /** It can still be committed or aborted. */
    OPEN
  }

  /**
   * @param admin closed with this
   */
  TransactionStatusClient(Admin admin) {
    this.admin = admin;
  }

  /**
   * Returns the status of {@code transaction}.
   *
   * @throws IOException if the broker does not answer
   */
  Status status(KafkaCommittable transaction) throws IOException, InterruptedException {
    TransactionDescription now = describe(transaction.getTransactionalId());
    // Since Kafka 4 the broker raises the epoch when a transaction ends. A restored producer that
    // commits raises the epoch itself right after. Then the state is empty, as it also is after any
    // other producer took the id over.
    boolean same =
        now != null
            && now.producerId() == transaction.getProducerId()
            && (now.producerEpoch() == transaction.getEpoch()
                || now.producerEpoch() == transaction.getEpoch() + 1);
    if (!same) {
      return Status.ENDED;
    }
    return switch (now.state()) {
      // A prepared transaction is decided: the broker completes it.
      case COMPLETE_COMMIT, PREPARE_COMMIT -> Status.COMMITTED;
      case COMPLETE_ABORT, PREPARE_ABORT, PREPARE_EPOCH_FENCE, EMPTY -> Status.ENDED;
      case ONGOING -> now.producerEpoch() == transaction.getEpoch() ? Status.OPEN : Status.ENDED;
      default -> Status.OPEN;
    };
  }

  /**
   * Returns whether the last transaction of an id is known to be committed.
   *
   * @throws IOException if the broker does not answer
   */
  boolean committedLast(String transactionalId) throws IOException, InterruptedException {
    TransactionDescription now = describe(transactionalId);
    if (now == null) {
      return false;
    }
    return switch (now.state()) {
      case COMPLETE_COMMIT, PREPARE_COMMIT -> true;
      default -> false;
    };
  }

  /** Returns null if the broker does not know the id, or has forgotten it. */
  private TransactionDescription describe(String transactionalId)
      throws IOException, InterruptedException {
    try {
      return admin
          .describeTransactions(List.of(transactionalId))
          .description(transactionalId)
          .get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      if (e.getCause() instanceof TransactionalIdNotFoundException) {
        return null;
      }
      throw new IOException(
          "Kafka does not return the status of transaction %s (%s). The job asks again after the restart; check that the brokers can be reached, and that the job may describe its transactional ids."
              .formatted(transactionalId, e.getCause() == null ? e : e.getCause()),
          e);
    }
  }

  @Override
  public void close() {
    admin.close(Duration.ofSeconds(TIMEOUT_SECONDS));
  }
}
