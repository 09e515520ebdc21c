package io.spanfold.job.sink;

import io.spanfold.job.serialization.StateType;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The records of a {@link RecoverableKafkaSink}, and how they are made again if the broker aborted
 * their transaction. For each element in a transaction, its committable lists an item, which
 * suffices to find the element's records in the topics, and to make them again.
 *
 * @param <E> an element of the stream
 * @param <T> an item
 */
public interface RecoveryStrategy<E, T> extends Serializable {

  /** The sink's name in transactional ids and savepoints. It never changes. */
  String name();

  /** The topics that records are written to. */
  List<String> topics();

  /** The largest value of a record, in bytes. */
  int maxValueBytes();

  /** The type of items in checkpoints. */
  StateType<T> itemType();

  /** Opens the side of one writer. */
  Layout<E, T> layout(MetricGroup metrics);

  /** Opens the side of one committer. Connects to nothing yet, so that a job can always start. */
  Recovery<T> recovery(MetricGroup metrics);

  /** Converts elements to records and items. Used by one thread, a writer's. */
  interface Layout<E, T> {

    /** Returns the records of an element, in order. */
    List<ProducerRecord<byte[], byte[]>> records(E element);

    /**
     * Counts an element whose records were written, and returns its item.
     *
     * @param listed how many items the transaction lists so far
     * @return null if the committable shall not list it: then it is lost if the broker aborts the
     *     transaction
     */
    T item(E element, int listed);

    /**
     * Returns items of earlier transactions that are committed, but not yet cleaned up after. A
     * checkpoint carries them, so that another attempt gets them if this one fails. Those that a
     * checkpoint since the last commit carries already are left out.
     */
    default List<EncodedItems<T>> pending() {
      return List.of();
    }
  }

  /** The handling of items after the checkpoint. Used by one thread, a committer's. */
  interface Recovery<T> extends AutoCloseable {

    /**
     * Returns the ids that records of {@code item} may have. The topics have all of an item's
     * records or none, so it is enough to find one. Empty if the item has no record.
     */
    Set<String> ids(T item);

    /** Returns the id that a record of the topics has; null if it has none. */
    String id(ConsumerRecord<byte[], byte[]> record);

    /**
     * Makes the records of {@code items} again.
     *
     * @return the number of items whose records were made
     * @throws IOException if they cannot be made now; an unchecked exception means the same
     */
    int records(List<T> items, Consumer<ProducerRecord<byte[], byte[]>> records)
        throws IOException, InterruptedException;

    /**
     * Is called at each commit with its items, in the order in which they were written; they may be
     * none. After a restart items of earlier attempts come first, and may come several times. Must
     * not block. An exception restarts the job.
     */
    default void committed(EncodedItems<T> items) {}

    /**
     * Is called after the last items of a writer whose input has ended. May block for a bounded
     * time. An exception restarts the job.
     */
    default void finish() throws InterruptedException {}

    @Override
    default void close() throws IOException {}
  }
}
