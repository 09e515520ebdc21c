package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.resource.TaskAttempt;
import io.spanfold.job.sink.RecoveryStrategy.Recovery;
import java.io.IOException;
import java.util.Collection;
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
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.sink.TwoPhaseCommittingStatefulSink.PrecommittingStatefulSinkWriter;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes elements to Kafka, all of a checkpoint and subtask in one transaction, and recovers the
 * elements of a transaction that the broker aborted.
 *
 * <p>It is a sink around Kafka's: its committable is Kafka's and the items of the elements in that
 * transaction. The list is kept in state and survives restarts and rescaling together with the
 * transaction. The committer acts on it, because only the committer learns whether the commit
 * succeeded.
 *
 * <p>With {@code exactly-once} a reader of committed records sees the records of each listed
 * element once. If the broker aborts a transaction, the price is a scan of the topics from the
 * start of the transaction, and no checkpoint until that is done.
 *
 * @param <E> an element
 * @param <T> the item of an element in the committable
 */
public final class RecoverableKafkaSink<E, T>
    implements Sink<E>,
        SupportsCommitter<TransactionCommittable<T>>,
        SupportsWriterState<E, KafkaWriterState>,
        SupportsPostCommitTopology<TransactionCommittable<T>> {

  private static final long serialVersionUID = 1L;

  private final KafkaSink<ProducerRecord<byte[], byte[]>> kafka;
  private final KafkaSettings clients;
  private final boolean transactions;
  private final RecoveryStrategy<E, T> strategy;

  /** Makes the sink that the job's settings ask for. */
  public RecoverableKafkaSink(SpanfoldConfig config, RecoveryStrategy<E, T> strategy) {
    this.clients = config.kafka();
    this.transactions = config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE;
    this.strategy = strategy;
    this.kafka =
        KafkaSink.<ProducerRecord<byte[], byte[]>>builder()
            .setKafkaProducerConfig(
                KafkaClientProperties.producer(config.kafka(), strategy.maxValueBytes()))
            .setRecordSerializer((record, context, timestamp) -> record)
            .setDeliveryGuarantee(config.sink().guarantee())
            // Two sinks with one prefix would abort each other's transactions.
            .setTransactionalIdPrefix(config.sink().transactionalIdPrefix() + "-" + strategy.name())
            // Each transaction has an id of its own, so that the broker can be asked for its
            // status later. POOLING uses ids again, and the status of the former one is lost.
            .setTransactionNamingStrategy(TransactionNamingStrategy.INCREMENTING)
            .build();
  }

  @Override
  public StatefulSinkWriter<E, KafkaWriterState> createWriter(WriterInitContext context)
      throws IOException {
    return writer(kafka.createWriter(context), context);
  }

  @Override
  public StatefulSinkWriter<E, KafkaWriterState> restoreWriter(
      WriterInitContext context, Collection<KafkaWriterState> states) throws IOException {
    return writer(kafka.restoreWriter(context, states), context);
  }

  private TrackingWriter<E, T> writer(
      PrecommittingStatefulSinkWriter<
              ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
          writer,
      WriterInitContext context) {
    TopicEndOffsets ends =
        transactions
            ? new TopicEndOffsets(KafkaClientProperties.common(clients), strategy.topics())
            : null;
    return new TrackingWriter<>(
        writer,
        strategy.layout(context.metricGroup()),
        strategy.itemType(),
        ends,
        TaskAttempt.id(context.metricGroup()));
  }

  @Override
  public SimpleVersionedSerializer<KafkaWriterState> getWriterStateSerializer() {
    return kafka.getWriterStateSerializer();
  }

  @Override
  public Committer<TransactionCommittable<T>> createCommitter(CommitterInitContext context)
      throws IOException {
    Recovery<T> recovery = strategy.recovery(context.metricGroup());
    return new RecoveringCommitter<>(
        kafka.createCommitter(context),
        recovery,
        new AbortedTransactionRecovery<>(clients, strategy, recovery, context.metricGroup()),
        TaskAttempt.id(context.metricGroup()));
  }

  @Override
  public SimpleVersionedSerializer<TransactionCommittable<T>> getCommittableSerializer() {
    return new TransactionCommittable.Serializer<>(
        kafka.getCommittableSerializer(), strategy.itemType());
  }

  /**
   * Makes Flink run Kafka's committer in the task of its writer, because the two share producers.
   * Kafka's sink looks at the transformations only, never at a message, so the messages' type is
   * irrelevant.
   */
  @Override
  @SuppressWarnings({"unchecked", "rawtypes"})
  public void addPostCommitTopology(
      DataStream<CommittableMessage<TransactionCommittable<T>>> committed) {
    kafka.addPostCommitTopology((DataStream) committed);
  }
}
