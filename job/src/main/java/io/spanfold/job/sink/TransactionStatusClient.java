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

/** Asks the broker what became of transactions. For use by one thread, which it blocks. */
final class TransactionStatusClient implements AutoCloseable {

  private static final long TIMEOUT_SECONDS = 30;

  private final Admin admin;

  /** What became of a transaction. */
  enum Fate {
    COMMITTED,
    /** It is over, and if it was committed the broker does not tell any more. */
    OVER,
    /** It may still be either. */
    OPEN
  }

  /** Makes one that owns {@code admin}. */
  TransactionStatusClient(Admin admin) {
    this.admin = admin;
  }

  /**
   * Returns what became of {@code transaction}.
   *
   * @throws IOException where the broker does not answer
   */
  Fate of(KafkaCommittable transaction) throws IOException, InterruptedException {
    TransactionDescription now = describe(transaction.getTransactionalId());
    // Since Kafka 4 the broker raises the epoch when a transaction ends. Where a restored producer
    // commits, it raises the epoch itself right after; then the state is empty, as it is where
    // anybody else took the id over.
    boolean same =
        now != null
            && now.producerId() == transaction.getProducerId()
            && (now.producerEpoch() == transaction.getEpoch()
                || now.producerEpoch() == transaction.getEpoch() + 1);
    if (!same) {
      return Fate.OVER;
    }
    return switch (now.state()) {
      // What is prepared is decided: the broker finishes it by itself.
      case COMPLETE_COMMIT, PREPARE_COMMIT -> Fate.COMMITTED;
      case COMPLETE_ABORT, PREPARE_ABORT, PREPARE_EPOCH_FENCE, EMPTY -> Fate.OVER;
      case ONGOING -> now.producerEpoch() == transaction.getEpoch() ? Fate.OPEN : Fate.OVER;
      default -> Fate.OPEN;
    };
  }

  /**
   * Returns whether the last transaction under an id is known to be committed.
   *
   * @throws IOException where the broker does not answer
   */
  boolean committed(String transactionalId) throws IOException, InterruptedException {
    TransactionDescription now = describe(transactionalId);
    if (now == null) {
      return false;
    }
    return switch (now.state()) {
      case COMPLETE_COMMIT, PREPARE_COMMIT -> true;
      default -> false;
    };
  }

  /** Returns null where the broker does not know the id, or no longer does. */
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
          "Kafka does not tell what became of transaction %s (%s). It is asked again after the restart; check that the brokers can be reached, and that the job may describe its transactional ids."
              .formatted(transactionalId, e.getCause() == null ? e : e.getCause()),
          e);
    }
  }

  @Override
  public void close() {
    admin.close(Duration.ofSeconds(TIMEOUT_SECONDS));
  }
}
