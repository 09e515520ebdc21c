package io.spanfold.job.sink;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * What is in the transactions of one sink: how it is recognised, and how it is made again.
 *
 * @param <T> what a committable names: a part, or a dead letter
 */
interface RecoveryStrategy<T> extends AutoCloseable {

  /** Returns the topics that records of it are in. */
  List<String> topics();

  /**
   * Returns the ids that records of {@code item} may have. It is in the topics as a whole or not at
   * all, so that one that is found stands for all; none where it has no record.
   */
  Set<String> ids(T item);

  /** Returns the id that a record of the topics has; null where it has none. */
  String id(ConsumerRecord<byte[], byte[]> record);

  /**
   * Makes the records of {@code items} again.
   *
   * @return how many items could be made
   * @throws IOException where it could not be done now, as an unchecked exception also tells
   */
  int records(List<T> items, Consumer<ProducerRecord<byte[], byte[]>> records)
      throws IOException, InterruptedException;

  @Override
  void close() throws IOException;
}
