package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.sink.RecoveryStrategy.Recovery;
import io.spanfold.job.sink.TransactionStatusClient.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recovers transactions that the broker refused to commit, until their items are committed.
 *
 * <p>A refusal does not say whether the transaction was aborted because it was open for too long,
 * or was committed before: a checkpoint always holds the last transactions, so a restart commits
 * them again. So:
 *
 * <ol>
 *   <li>The broker is asked for the transaction's status. If it was committed, nothing else is
 *       done.
 *   <li>Otherwise the transactional id of the retry is taken, which derives from the first one.
 *       This fences every other task that recovers the same transaction, such as one that stalled
 *       and was replaced, and aborts the transaction that it left open.
 *   <li>The topics are searched for items: a former retry may have written them, or the transaction
 *       itself, if it was committed and the broker has forgotten it.
 *   <li>Items that are not found are made and sent again, in one transaction.
 * </ol>
 *
 * <p>Any failure in between is thrown: the committable stays in state, and all of it is repeated.
 * For use by one thread, which it blocks.
 *
 * @param <T> an item
 */
final class AbortedTransactionRecovery<T> {

  private static final Logger LOG = LoggerFactory.getLogger(AbortedTransactionRecovery.class);

  /**
   * Longer than brokers take to elect leaders, and much shorter than a transaction may be open: the
   * task, and with it every checkpoint, waits for that time.
   */
  private static final Duration READ_TIMEOUT = Duration.ofMinutes(1);

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

  private final KafkaSettings clients;
  private final List<String> topics;
  private final int maxValueBytes;
  private final Recovery<T> recovery;
  private final Counter refused;
  private final Counter found;
  private final Counter emittedAgain;

  AbortedTransactionRecovery(
      KafkaSettings clients,
      RecoveryStrategy<?, T> strategy,
      Recovery<T> recovery,
      MetricGroup metrics) {
    this.clients = clients;
    this.topics = strategy.topics();
    this.maxValueBytes = strategy.maxValueBytes();
    this.recovery = recovery;
    this.refused = metrics.counter("commitsRefused");
    this.found = metrics.counter("refusedFound");
    this.emittedAgain = metrics.counter("refusedEmittedAgain");
  }

  /**
   * Makes sure that the items of a refused transaction are committed.
   *
   * @param refusal the broker's answer to the commit
   * @return whether they are; false if the transaction is still open
   * @throws IOException if that is unknown or failed; call again with the same
   */
  boolean recover(TransactionCommittable<T> committable, Throwable refusal)
      throws IOException, InterruptedException {
    KafkaCommittable transaction = committable.transaction();
    EncodedItems<T> items = committable.items();
    String retry = retryId(transaction);
    try (TransactionStatusClient broker =
        new TransactionStatusClient(Admin.create(KafkaClientProperties.common(clients)))) {
      Status status = broker.status(transaction);
      if (status != Status.ENDED) {
        return status == Status.COMMITTED;
      }
      refused.inc();
      LOG.warn(
          "The broker aborted transaction {} with {} items, or no longer knows it. The job looks"
              + " for them in {}, and emits again what is missing.",
          transaction.getTransactionalId(),
          items.size(),
          topics,
          refusal);
      if (broker.committedLast(retry)) {
        found.inc(items.size());
        LOG.info("All of its items were emitted again before, in transaction {}.", retry);
        return true;
      }
    }
    try {
      emitMissing(retry, committable);
      return true;
    } catch (InterruptException e) {
      Thread.interrupted(); // thrown instead
      throw new InterruptedException("interrupted while recovering an aborted transaction");
    } catch (KafkaException e) {
      throw new IOException(
          "What transaction %s held could not be emitted again now (%s). The job tries again after the restart."
              .formatted(transaction.getTransactionalId(), e),
          e);
    }
  }

  private void emitMissing(String retry, TransactionCommittable<T> committable)
      throws IOException, InterruptedException {
    Producer<byte[], byte[]> producer = producer(retry);
    try {
      producer.initTransactions();
      List<T> missing = missing(committable);
      int made = send(missing, producer);
      int present = committable.items().size() - missing.size();
      emittedAgain.inc(made);
      found.inc(present);
      LOG.info(
          "{} items are in {}; {} of the {} others were emitted again in transaction {}.",
          present,
          topics,
          made,
          missing.size(),
          retry);
    } finally {
      producer.close(CLOSE_TIMEOUT); // aborts what is open
    }
  }

  /**
   * Returns the transactional id of the retry. It contains the producer's id and epoch, because a
   * job that starts without state reuses the transactional ids of an earlier one.
   */
  static String retryId(KafkaCommittable transaction) {
    return String.join(
        "-",
        transaction.getTransactionalId(),
        "again",
        Long.toString(transaction.getProducerId()),
        Short.toString(transaction.getEpoch()));
  }

  private Producer<byte[], byte[]> producer(String transactionalId) {
    Properties properties = KafkaClientProperties.producer(clients, maxValueBytes);
    properties.setProperty(ProducerConfig.TRANSACTIONAL_ID_CONFIG, transactionalId);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private List<T> missing(TransactionCommittable<T> committable) throws IOException {
    Set<String> wanted = new HashSet<>();
    committable.items().forEach(item -> wanted.addAll(recovery.ids(item)));
    Set<String> present =
        new CommittedRecordLookup(clients, READ_TIMEOUT)
            .find(topics, committable.since(), wanted, recovery::id);
    return committable.items().stream()
        .filter(item -> !recovery.ids(item).isEmpty())
        .filter(item -> Collections.disjoint(recovery.ids(item), present))
        .toList();
  }

  private int send(List<T> missing, Producer<byte[], byte[]> producer)
      throws IOException, InterruptedException {
    if (missing.isEmpty()) {
      return 0;
    }
    producer.beginTransaction();
    // A record that the producer cannot send fails the commit.
    int made = recovery.records(missing, producer::send);
    producer.commitTransaction();
    return made;
  }
}
