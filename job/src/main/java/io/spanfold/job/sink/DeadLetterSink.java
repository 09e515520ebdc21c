package io.spanfold.job.sink;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.serialization.DeadLetterCodec;
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
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Writes dead letters to their topic. Like {@link SegmentSink} it is a sink around Kafka's: its
 * committable is Kafka's plus where the records of the letters stand in the source topic, so that
 * those in a transaction that the broker aborted are found, or made again from there.
 */
public final class DeadLetterSink
    implements Sink<DeadLetter>,
        SupportsCommitter<TransactionCommittable<DeadLetter>>,
        SupportsWriterState<DeadLetter, KafkaWriterState>,
        SupportsPostCommitTopology<TransactionCommittable<DeadLetter>> {

  private static final long serialVersionUID = 1L;

  /** How many letters a transaction lists: with {@link #MAX_ERROR} some 20 MB at the most. */
  static final int MAX_LISTED = 50_000;

  /** How many characters of a listed letter's error are kept. */
  private static final int MAX_ERROR = 200;

  /** Version 1 of the committable was Kafka's alone. */
  private static final int PLAIN = 1;

  private final KafkaSink<ProducerRecord<byte[], byte[]>> kafka;
  private final KafkaClients clients;
  private final boolean transactions;
  private final String topic;
  private final PayloadRecoverySettings source;
  private final int maxListed;

  /**
   * Makes the sink.
   *
   * @param config the job's settings
   * @param source where the source records are
   */
  public DeadLetterSink(SpanfoldConfig config, PayloadRecoverySettings source) {
    this(config, source, MAX_LISTED);
  }

  DeadLetterSink(SpanfoldConfig config, PayloadRecoverySettings source, int maxListed) {
    this.kafka = KafkaSinks.deadLetters(config);
    this.clients = KafkaClients.of(config, KafkaSinks.DEAD_LETTER_BYTES);
    this.transactions = config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE;
    this.topic = config.sink().deadLetterTopic();
    this.source = source;
    this.maxListed = maxListed;
  }

  /** Returns the largest request that the producers of dead letters send, in bytes. */
  public static long maxRequestBytes(SpanfoldConfig config) {
    return Long.parseLong(
        KafkaSinks.producerProperties(config, KafkaSinks.DEAD_LETTER_BYTES)
            .getProperty(ProducerConfig.MAX_REQUEST_SIZE_CONFIG));
  }

  @Override
  public StatefulSinkWriter<DeadLetter, KafkaWriterState> createWriter(WriterInitContext context)
      throws IOException {
    return writer(kafka.createWriter(context), context);
  }

  @Override
  public StatefulSinkWriter<DeadLetter, KafkaWriterState> restoreWriter(
      WriterInitContext context, Collection<KafkaWriterState> states) throws IOException {
    return writer(kafka.restoreWriter(context, states), context);
  }

  private StatefulSinkWriter<DeadLetter, KafkaWriterState> writer(
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
            new DeadLetterRecords(topic),
            transactions ? maxListed : 0,
            context.metricGroup().counter("deadLettersUnlisted")),
        ends);
  }

  @Override
  public SimpleVersionedSerializer<KafkaWriterState> getWriterStateSerializer() {
    return kafka.getWriterStateSerializer();
  }

  @Override
  public Committer<TransactionCommittable<DeadLetter>> createCommitter(CommitterInitContext context)
      throws IOException {
    MetricGroup metrics = context.metricGroup();
    return new RecoveringCommitter<>(
        kafka.createCommitter(context),
        PostCommitAction.nothing(),
        new AbortedTransactionRecovery<>(
            clients,
            new DeadLetterContents(new DeadLetterRecords(topic), source, metrics),
            metrics));
  }

  @Override
  public SimpleVersionedSerializer<TransactionCommittable<DeadLetter>> getCommittableSerializer() {
    return new TransactionCommittableSerializer<>(
        kafka.getCommittableSerializer(), new DeadLetterCodec(), PLAIN);
  }

  /** Lets Kafka's sink place its committer beside its writer; see {@link SegmentSink}. */
  @Override
  @SuppressWarnings({"unchecked", "rawtypes"})
  public void addPostCommitTopology(
      DataStream<CommittableMessage<TransactionCommittable<DeadLetter>>> committed) {
    kafka.addPostCommitTopology((DataStream) committed);
  }

  /** Without transactions nothing is listed, nor counted as missing in the list. */
  private record Layout(DeadLetterRecords records, int maxListed, Counter unlisted)
      implements TrackingWriter.Layout<DeadLetter, DeadLetter> {

    @Override
    public List<ProducerRecord<byte[], byte[]>> records(DeadLetter letter) {
      return List.of(records.of(letter));
    }

    @Override
    public DeadLetter item(DeadLetter letter, int listed) {
      if (listed < maxListed) {
        return listed(letter);
      }
      if (maxListed > 0) {
        unlisted.inc();
      }
      return null;
    }
  }

  /** Returns what is kept of a letter: where it comes from, and why it is one. */
  static DeadLetter listed(DeadLetter letter) {
    String error = letter.error();
    return new DeadLetter(
        null,
        null,
        List.of(),
        letter.reason(),
        letter.topic(),
        letter.partition(),
        letter.offset(),
        error.length() <= MAX_ERROR ? error : error.substring(0, MAX_ERROR) + "...");
  }
}
