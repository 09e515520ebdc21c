package io.spanfold.sink;

import io.spanfold.model.FlushedPart;
import io.spanfold.model.FlushedPart.Receipt;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.connector.kafka.sink.TwoPhaseCommittingStatefulSink.PrecommittingStatefulSinkWriter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * Writes parts into Kafka's current transaction and remembers what they were made from, until the
 * transaction is handed over for the commit, and where the topics ended before it began. A part
 * never spans two transactions, as a barrier comes between elements.
 */
@SuppressWarnings(
    "try") // Kafka's writer may be interrupted while it closes, and who cancels wants that.
final class SegmentWriter
    implements StatefulSinkWriter<FlushedPart, SegmentWriterState>,
        CommittingSinkWriter<FlushedPart, SegmentCommittable> {

  private final PrecommittingStatefulSinkWriter<
          ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
      kafka;
  private final SegmentRecords records;
  private final TopicEnds ends;
  private final WriterMetrics metrics;
  private Map<TopicPartition, Long> since = Map.of();
  private List<Receipt> receipts = new ArrayList<>();

  /**
   * @param kafka Kafka's writer
   * @param records lays out records
   * @param ends knows where their topics end; null where there are no transactions
   * @param metrics where to count
   */
  SegmentWriter(
      PrecommittingStatefulSinkWriter<
              ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
          kafka,
      SegmentRecords records,
      TopicEnds ends,
      MetricGroup metrics) {
    this.kafka = kafka;
    this.records = records;
    this.ends = ends;
    this.metrics = new WriterMetrics(metrics);
  }

  @Override
  public void write(FlushedPart part, Context context) throws IOException, InterruptedException {
    if (ends != null && receipts.isEmpty()) {
      since = ends.now();
    }
    for (ProducerRecord<byte[], byte[]> record : records.of(part)) {
      kafka.write(record, context);
    }
    receipts.add(part.receipt());
    this.metrics.written(part);
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
  public Collection<SegmentCommittable> prepareCommit() throws IOException, InterruptedException {
    Collection<KafkaCommittable> transactions = kafka.prepareCommit();
    if (transactions.size() > 1) {
      throw new IllegalStateException(
          "Kafka's writer handed over "
              + transactions.size()
              + " transactions at once, so that it is unknown which part is in which; this"
              + " version of the connector is not supported.");
    }
    List<Receipt> written = receipts;
    receipts = new ArrayList<>();
    if (transactions.isEmpty() && written.isEmpty()) {
      return List.of();
    }
    KafkaCommittable transaction = transactions.isEmpty() ? null : transactions.iterator().next();
    return List.of(new SegmentCommittable(transaction, since, written));
  }

  @Override
  public List<SegmentWriterState> snapshotState(long checkpointId) throws IOException {
    return kafka.snapshotState(checkpointId).stream().map(SegmentWriterState::new).toList();
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(kafka, ends);
  }
}
