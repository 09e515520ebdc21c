package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.serialization.ReceiptCodec;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.connector.kafka.sink.TwoPhaseCommittingStatefulSink.PrecommittingStatefulSinkWriter;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes flushed parts to the topics of segments and outcomes, in one transaction, and cleans up
 * what they were made from after its commit.
 *
 * <p>It is a sink around Kafka's: its committable is Kafka's plus the receipts of the parts in that
 * very transaction. So the list of what may be deleted, or has to be made again, is kept in state,
 * survives restarts and rescaling together with the transaction, and is acted on by the only one
 * who knows that the commit went through.
 */
public final class SegmentSink
    implements Sink<FlushedPart>,
        SupportsCommitter<TransactionCommittable<Receipt>>,
        SupportsWriterState<FlushedPart, SegmentWriterState>,
        SupportsPostCommitTopology<TransactionCommittable<Receipt>> {

  private static final long serialVersionUID = 1L;

  private final KafkaSink<ProducerRecord<byte[], byte[]>> kafka;
  private final KafkaClients clients;
  private final boolean transactions;
  private final String segmentsTopic;
  private final String outcomesTopic;
  private final CleanUp.Factory cleanUp;
  private final Rebuild.Factory rebuild;

  /**
   * Makes the sink.
   *
   * @param config the job's settings
   * @param chunkBytes largest value of a record, in bytes
   * @param cleanUp makes what cleans up after commits, once a committer
   * @param rebuild makes what makes parts again whose transaction was aborted, once a transaction
   */
  public SegmentSink(
      SpanfoldConfig config, int chunkBytes, CleanUp.Factory cleanUp, Rebuild.Factory rebuild) {
    this.kafka = KafkaSinks.segments(config, chunkBytes);
    this.clients = KafkaClients.of(config, chunkBytes);
    this.transactions = config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE;
    this.segmentsTopic = config.sink().topic();
    this.outcomesTopic = config.sink().outcomesTopic();
    this.cleanUp = cleanUp;
    this.rebuild = rebuild;
  }

  @Override
  public StatefulSinkWriter<FlushedPart, SegmentWriterState> createWriter(WriterInitContext context)
      throws IOException {
    return writer(kafka.createWriter(context), context);
  }

  @Override
  public StatefulSinkWriter<FlushedPart, SegmentWriterState> restoreWriter(
      WriterInitContext context, Collection<SegmentWriterState> states) throws IOException {
    return writer(
        kafka.restoreWriter(context, states.stream().map(SegmentWriterState::kafka).toList()),
        context);
  }

  private TrackingWriter<FlushedPart, Receipt, SegmentWriterState> writer(
      PrecommittingStatefulSinkWriter<
              ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
          writer,
      WriterInitContext context) {
    SegmentRecords records = records();
    TopicEndOffsets ends =
        transactions ? new TopicEndOffsets(clients.admin(), records.topics()) : null;
    WriterMetrics metrics = new WriterMetrics(context.metricGroup());
    TrackingWriter.Layout<FlushedPart, Receipt> layout =
        new TrackingWriter.Layout<>() {
          @Override
          public List<ProducerRecord<byte[], byte[]>> records(FlushedPart part) {
            return records.of(part);
          }

          @Override
          public Receipt item(FlushedPart part, int listed) {
            metrics.written(part);
            return part.receipt();
          }
        };
    return new TrackingWriter<>(writer, SegmentWriterState::new, layout, ends);
  }

  private SegmentRecords records() {
    return new SegmentRecords(segmentsTopic, outcomesTopic);
  }

  @Override
  public SimpleVersionedSerializer<SegmentWriterState> getWriterStateSerializer() {
    return new SegmentWriterStateSerializer(kafka.getWriterStateSerializer());
  }

  @Override
  public Committer<TransactionCommittable<Receipt>> createCommitter(CommitterInitContext context)
      throws IOException {
    MetricGroup metrics = context.metricGroup();
    return new RecoveringCommitter<>(
        kafka.createCommitter(context),
        new PendingCleanUps(cleanUp, metrics),
        new AbortedTransactionRecovery<>(
            clients, new SegmentContents(records(), rebuild, metrics), metrics));
  }

  @Override
  public SimpleVersionedSerializer<TransactionCommittable<Receipt>> getCommittableSerializer() {
    return new TransactionCommittableSerializer<>(
        kafka.getCommittableSerializer(), new ReceiptCodec(), 0);
  }

  /**
   * Lets Kafka's sink place its committer beside its writer, as the two share producers. It looks
   * at the transformations only, never at a message, so that the type of these does not matter.
   */
  @Override
  @SuppressWarnings({"unchecked", "rawtypes"})
  public void addPostCommitTopology(
      DataStream<CommittableMessage<TransactionCommittable<Receipt>>> committed) {
    kafka.addPostCommitTopology((DataStream) committed);
  }
}
