package io.spanfold.job.sink;

import io.spanfold.job.serialization.StateType;
import io.spanfold.job.sink.RecoveryStrategy.Layout;
import io.spanfold.job.sink.TransactionCommittable.Pending;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.connector.kafka.sink.TwoPhaseCommittingStatefulSink.PrecommittingStatefulSinkWriter;
import org.apache.flink.util.IOUtils;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes elements into Kafka's current transaction, and remembers its items and the topics' end
 * offsets before it until the transaction is emitted as a committable. An element is never in two
 * transactions, because barriers pass between elements.
 *
 * @param <E> an element
 * @param <T> an item
 */
@SuppressWarnings("try") // Kafka's writer can be interrupted while it closes, as on cancellation.
final class TrackingWriter<E, T>
    implements StatefulSinkWriter<E, KafkaWriterState>,
        CommittingSinkWriter<E, TransactionCommittable<T>> {

  private static final Logger LOG = LoggerFactory.getLogger(TrackingWriter.class);

  private final PrecommittingStatefulSinkWriter<
          ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
      kafka;
  private final Layout<E, T> layout;
  private final TopicEndOffsets ends;
  private final StateType<T> itemType;
  private final String task;
  private Map<TopicPartition, Long> since = Map.of();
  private EncodedItems.Builder<T> items;
  private boolean ended;

  /**
   * @param kafka Kafka's writer
   * @param layout makes records and items
   * @param itemType the type of the items
   * @param ends reads the end offsets of the topics; null without transactions
   * @param task identifies this attempt of the task
   */
  TrackingWriter(
      PrecommittingStatefulSinkWriter<
              ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
          kafka,
      Layout<E, T> layout,
      StateType<T> itemType,
      TopicEndOffsets ends,
      String task) {
    this.kafka = kafka;
    this.layout = layout;
    this.itemType = itemType;
    this.items = new EncodedItems.Builder<>(itemType, 0);
    this.ends = ends;
    this.task = task;
  }

  @Override
  public void write(E element, Context context) throws IOException, InterruptedException {
    if (ends != null && items.size() == 0) {
      since = ends.beforeTransaction();
    }
    for (ProducerRecord<byte[], byte[]> record : layout.records(element)) {
      kafka.write(record, context);
    }
    T item = layout.item(element, items.size());
    if (item != null) {
      items.add(item);
    }
  }

  @Override
  public void writeWatermark(Watermark watermark) throws IOException, InterruptedException {
    kafka.writeWatermark(watermark);
  }

  @Override
  public void flush(boolean endOfInput) throws IOException, InterruptedException {
    kafka.flush(endOfInput);
    ended = endOfInput;
  }

  @Override
  public Collection<TransactionCommittable<T>> prepareCommit()
      throws IOException, InterruptedException {
    Collection<KafkaCommittable> transactions = kafka.prepareCommit();
    if (transactions.size() > 1) {
      throw new IllegalStateException(
          "Kafka's writer emitted "
              + transactions.size()
              + " transactions for one checkpoint, so it is unknown which holds what; this version"
              + " of the connector is not supported.");
    }
    EncodedItems<T> written = items.build();
    items = new EncodedItems.Builder<>(itemType, written.length());
    if (ends != null && !written.isEmpty() && !ended) {
      ends.askAhead();
    }
    List<EncodedItems<T>> pending = layout.pending();
    if (transactions.isEmpty() && written.isEmpty() && pending.isEmpty() && !ended) {
      return List.of();
    }
    KafkaCommittable transaction = transactions.isEmpty() ? null : transactions.iterator().next();
    return List.of(
        new TransactionCommittable<>(
            transaction, since, written, new Pending<>(task, pending), ended));
  }

  @Override
  public List<KafkaWriterState> snapshotState(long checkpointId) throws IOException {
    return kafka.snapshotState(checkpointId);
  }

  /**
   * Never throws. Unsent records are in no completed checkpoint, and {@link #flush} has failed if
   * that mattered. Flink ends the whole process if a task that has failed, such as one whose
   * transactions were fenced while it was stalled, throws again while it is closed.
   */
  @Override
  public void close() {
    try {
      IOUtils.closeAll(kafka, ends);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      LOG.warn(
          "Kafka's writer failed while closing; records that it had not sent are sent again.", e);
    }
  }
}
