package io.spanfold.job.sink;

import io.spanfold.job.sink.TransactionStatusClient.Fate;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows up transactions that the broker refused to commit, until what was in them is committed.
 *
 * <p>A refusal does not tell whether a transaction was aborted, for it was open for too long, or
 * was committed already: a checkpoint always holds the last transactions, so a restart asks for
 * them again. So:
 *
 * <ol>
 *   <li>The broker is asked. Committed: nothing else is to be done.
 *   <li>Else the transactional id of the second try is taken, which is derived from the first.
 *       Whoever else has it, such as a task that was given up and woke up later, is locked out, and
 *       what it left open is aborted.
 *   <li>Then the topics are searched for what is there all the same: of a former second try, or of
 *       the first where the broker has forgotten it.
 *   <li>What is not there is made and sent again, in one transaction.
 * </ol>
 *
 * <p>Whatever fails in between is thrown: the committable stays in state, and all of it happens
 * again. For use by one thread, which it blocks.
 *
 * @param <T> what a committable names
 */
final class AbortedTransactionRecovery<T> implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(AbortedTransactionRecovery.class);

  /**
   * Longer than brokers take to elect leaders, and much shorter than a transaction may be open: the
   * task, and with it all checkpoints, waits meanwhile.
   */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Duration CLOSE = Duration.ofSeconds(10);

  private final KafkaClients clients;
  private final RecoveryStrategy<T> contents;
  private final Counter refused;
  private final Counter found;
  private final Counter again;

  AbortedTransactionRecovery(
      KafkaClients clients, RecoveryStrategy<T> contents, MetricGroup metrics) {
    this.clients = clients;
    this.contents = contents;
    this.refused = metrics.counter("commitsRefused");
    this.found = metrics.counter("refusedFound");
    this.again = metrics.counter("refusedEmittedAgain");
  }

  /**
   * Sees to it that what was in a refused transaction is committed.
   *
   * @param transaction the transaction
   * @param since where the topics ended before it began
   * @param items what was in it
   * @param cause what the broker said
   * @return whether it is; false where the transaction is still open
   * @throws IOException where it is not known, or not done; to be called again with the same
   */
  boolean followUp(
      KafkaCommittable transaction, Map<TopicPartition, Long> since, List<T> items, Throwable cause)
      throws IOException, InterruptedException {
    String secondTry = secondTry(transaction);
    try (TransactionStatusClient fates = new TransactionStatusClient(clients.admin())) {
      Fate fate = fates.of(transaction);
      if (fate != Fate.OVER) {
        return fate == Fate.COMMITTED;
      }
      refused.inc();
      LOG.warn(
          "The broker aborted transaction {} with {} items, or no longer knows it. They are looked"
              + " for in {}, and what is not there is emitted again.",
          transaction.getTransactionalId(),
          items.size(),
          contents.topics(),
          cause);
      if (fates.committed(secondTry)) {
        found.inc(items.size());
        LOG.info("All of it was emitted again before, in transaction {}.", secondTry);
        return true;
      }
    }
    try {
      emitAbsent(secondTry, since, items);
      return true;
    } catch (InterruptException e) {
      Thread.interrupted(); // thrown instead
      throw new InterruptedException("interrupted while a refused transaction was followed up");
    } catch (KafkaException e) {
      throw new IOException(
          "What transaction %s held could not be emitted again now (%s); it is tried again after the restart."
              .formatted(transaction.getTransactionalId(), e),
          e);
    }
  }

  private void emitAbsent(String secondTry, Map<TopicPartition, Long> since, List<T> items)
      throws IOException, InterruptedException {
    Producer<byte[], byte[]> producer = clients.producer(secondTry);
    try {
      producer.initTransactions();
      List<T> absent = absent(since, items);
      int made = send(absent, producer);
      again.inc(made);
      found.inc(items.size() - absent.size());
      LOG.info(
          "{} items are in {}; of the other {}, {} were emitted again in transaction {}.",
          items.size() - absent.size(),
          contents.topics(),
          absent.size(),
          made,
          secondTry);
    } finally {
      producer.close(CLOSE); // aborts what is open
    }
  }

  /**
   * Returns the id of the second try. Where a job that starts without state gives out the first
   * one's id again, the number and epoch of the producer are others.
   */
  static String secondTry(KafkaCommittable transaction) {
    return "%s-again-%d-%d"
        .formatted(
            transaction.getTransactionalId(), transaction.getProducerId(), transaction.getEpoch());
  }

  private List<T> absent(Map<TopicPartition, Long> since, List<T> items) throws IOException {
    Set<String> wanted = new HashSet<>();
    items.forEach(item -> wanted.addAll(contents.ids(item)));
    Set<String> there =
        new CommittedRecordLookup(clients, PATIENCE)
            .find(contents.topics(), since, wanted, contents::id);
    return items.stream()
        .filter(item -> !contents.ids(item).isEmpty())
        .filter(item -> Collections.disjoint(contents.ids(item), there))
        .toList();
  }

  private int send(List<T> absent, Producer<byte[], byte[]> producer)
      throws IOException, InterruptedException {
    if (absent.isEmpty()) {
      return 0;
    }
    producer.beginTransaction();
    // What the producer cannot send fails its commit.
    int made = contents.records(absent, producer::send);
    producer.commitTransaction();
    return made;
  }

  @Override
  public void close() throws IOException {
    contents.close();
  }
}
