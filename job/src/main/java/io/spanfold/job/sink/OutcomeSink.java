package io.spanfold.job.sink;

import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.serialization.TalliedOutcomeCodec;
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
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes outcomes of dropped spans to their topic. Like {@link SegmentSink} it is a sink around
 * Kafka's: its committable is Kafka's plus the outcomes themselves, so that those in a transaction
 * that the broker aborted are found, or emitted again.
 *
 * <p>Where nothing is to be dropped its writers are idle, unless there were rules before: a writer
 * whose state is restored still has to end what it left open.
 */
public final class OutcomeSink
    implements Sink<TalliedOutcome>,
        SupportsCommitter<TransactionCommittable<TalliedOutcome>>,
        SupportsWriterState<TalliedOutcome, KafkaWriterState>,
        SupportsPostCommitTopology<TransactionCommittable<TalliedOutcome>> {

  private static final long serialVersionUID = 1L;

  /** What a record of the outcomes topic takes at most, in bytes. */
  public static final int MAX_RECORD_BYTES = KafkaSinks.OUTCOME_BYTES;

  /** The header that an outcome is found by. */
  static final String OUTCOME_ID = "outcome_id";

  /**
   * How many outcomes a transaction lists: some 5 MB. Only whoever drops an organization of more
   * projects than that has more of them between two checkpoints.
   */
  private static final int MAX_LISTED = 50_000;

  private final KafkaSink<ProducerRecord<byte[], byte[]>> kafka;
  private final KafkaClients clients;
  private final boolean transactions;
  private final boolean idle;
  private final String topic;

  /** Makes the sink that the job's settings ask for. */
  public OutcomeSink(SpanfoldConfig config) {
    this.kafka = KafkaSinks.outcomes(config);
    this.clients = KafkaClients.of(config, KafkaSinks.OUTCOME_BYTES);
    this.transactions = config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE;
    this.idle = config.ingest().drop().isEmpty();
    this.topic = config.sink().outcomesTopic();
  }

  @Override
  public StatefulSinkWriter<TalliedOutcome, KafkaWriterState> createWriter(
      WriterInitContext context) throws IOException {
    return idle
        ? new IdleWriter<TalliedOutcome, TalliedOutcome, KafkaWriterState>()
        : writer(kafka.createWriter(context), context);
  }

  @Override
  public StatefulSinkWriter<TalliedOutcome, KafkaWriterState> restoreWriter(
      WriterInitContext context, Collection<KafkaWriterState> states) throws IOException {
    return writer(kafka.restoreWriter(context, states), context);
  }

  private StatefulSinkWriter<TalliedOutcome, KafkaWriterState> writer(
      PrecommittingStatefulSinkWriter<
              ProducerRecord<byte[], byte[]>, KafkaWriterState, KafkaCommittable>
          writer,
      WriterInitContext context) {
    TopicEndOffsets ends =
        transactions ? new TopicEndOffsets(clients.admin(), List.of(topic)) : null;
    return new TrackingWriter<>(
        writer,
        state -> state,
        new Layout(
            records(),
            transactions ? MAX_LISTED : 0,
            context.metricGroup().counter("outcomeSpansOut"),
            context.metricGroup().counter("outcomeSpansUnlisted")),
        ends);
  }

  private OutcomeRecords records() {
    return new OutcomeRecords(topic, OUTCOME_ID);
  }

  @Override
  public SimpleVersionedSerializer<KafkaWriterState> getWriterStateSerializer() {
    return kafka.getWriterStateSerializer();
  }

  @Override
  public Committer<TransactionCommittable<TalliedOutcome>> createCommitter(
      CommitterInitContext context) throws IOException {
    MetricGroup metrics = context.metricGroup();
    return new RecoveringCommitter<>(
        kafka.createCommitter(context),
        PostCommitAction.nothing(),
        new AbortedTransactionRecovery<>(clients, new OutcomeContents(records()), metrics));
  }

  @Override
  public SimpleVersionedSerializer<TransactionCommittable<TalliedOutcome>>
      getCommittableSerializer() {
    return new TransactionCommittableSerializer<>(
        kafka.getCommittableSerializer(), new TalliedOutcomeCodec(), 0);
  }

  /** Lets Kafka's sink place its committer beside its writer; see {@link SegmentSink}. */
  @Override
  @SuppressWarnings({"unchecked", "rawtypes"})
  public void addPostCommitTopology(
      DataStream<CommittableMessage<TransactionCommittable<TalliedOutcome>>> committed) {
    kafka.addPostCommitTopology((DataStream) committed);
  }

  /** Without transactions nothing is listed, nor counted as missing in the list. */
  record Layout(OutcomeRecords records, int maxListed, Counter told, Counter unlisted)
      implements TrackingWriter.Layout<TalliedOutcome, TalliedOutcome> {

    @Override
    public List<ProducerRecord<byte[], byte[]>> records(TalliedOutcome tallied) {
      return List.of(records.of(tallied.outcome(), tallied.id()));
    }

    @Override
    public TalliedOutcome item(TalliedOutcome tallied, int listed) {
      told.inc(tallied.outcome().quantity());
      if (listed < maxListed) {
        return tallied;
      }
      if (maxListed > 0) {
        unlisted.inc(tallied.outcome().quantity());
      }
      return null;
    }
  }
}
