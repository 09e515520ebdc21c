package io.spanfold.job.sink;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
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
 * Writes elements into Kafka's current transaction and remembers what names them, until the
 * transaction is handed over for the commit, and where the topics ended before it began. An element
 * never spans two transactions, as a barrier comes between them.
 *
 * @param <E> an element
 * @param <T> what names it
 * @param <S> what a writer leaves in a checkpoint
 */
@SuppressWarnings(
    "try") // Kafka's writer may be interrupted while it closes, and who cancels wants that.
final class TrackingWriter<E, T, S>
    implements StatefulSinkWriter<E, S>, CommittingSinkWriter<E, TransactionCommittable<T>> {

  /** How elements become records, and what is remembered of them. */
  interface Layout<E, T> {

    /** Returns the records of an element, in order. */
    List<ProducerRecord<byte[], byte[]>> records(E element);

    /**
     * Returns what names an element that was written.
     *
     * @param element the element
     * @param listed how many the transaction lists already
     * @return null where it is not to be listed
     */
    T item(E element, int listed);
  }

  private static final Logger LOG = LoggerFactory.getLogger(TrackingWriter.class);

  private final PrecommittingStatefulSinkWriter<
          ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
      kafka;
  private final Function<KafkaWriterState, S> state;
  private final Layout<E, T> layout;
  private final TopicEndOffsets ends;
  private Map<TopicPartition, Long> since = Map.of();
  private List<T> items = new ArrayList<>();

  /**
   * @param kafka Kafka's writer
   * @param state makes a writer's state of Kafka's
   * @param layout lays out records
   * @param ends knows where their topics end; null where there are no transactions
   */
  TrackingWriter(
      PrecommittingStatefulSinkWriter<
              ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
          kafka,
      Function<KafkaWriterState, S> state,
      Layout<E, T> layout,
      TopicEndOffsets ends) {
    this.kafka = kafka;
    this.state = state;
    this.layout = layout;
    this.ends = ends;
  }

  @Override
  public void write(E element, Context context) throws IOException, InterruptedException {
    if (ends != null && items.isEmpty()) {
      since = ends.now();
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
  }

  @Override
  public Collection<TransactionCommittable<T>> prepareCommit()
      throws IOException, InterruptedException {
    Collection<KafkaCommittable> transactions = kafka.prepareCommit();
    if (transactions.size() > 1) {
      throw new IllegalStateException(
          "Kafka's writer handed over "
              + transactions.size()
              + " transactions at once, so that it is unknown what is in which; this"
              + " version of the connector is not supported.");
    }
    List<T> written = items;
    items = new ArrayList<>();
    if (transactions.isEmpty() && written.isEmpty()) {
      return List.of();
    }
    KafkaCommittable transaction = transactions.isEmpty() ? null : transactions.iterator().next();
    return List.of(new TransactionCommittable<>(transaction, since, written));
  }

  @Override
  public List<S> snapshotState(long checkpointId) throws IOException {
    return kafka.snapshotState(checkpointId).stream().map(state).toList();
  }

  /**
   * Never throws. What was not sent is in no completed checkpoint, and {@link #flush} has told of
   * it where it had to be. But Flink ends the whole process where a task that fails, as one whose
   * transactions were fenced while it stood still, throws once more while it is closed.
   */
  @Override
  public void close() {
    try {
      IOUtils.closeAll(kafka, ends);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      LOG.warn("Kafka's writer failed as it was closed; what it had not sent is sent again.", e);
    }
  }
}
