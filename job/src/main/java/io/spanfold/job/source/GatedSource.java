package io.spanfold.job.source;

import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.job.adopt.AdoptionOver;
import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.resource.SharedResource.Share;
import io.spanfold.job.resource.TaskAttempt;
import io.spanfold.job.time.ClockSettings;
import io.spanfold.job.time.SourceClock;
import java.io.IOException;
import java.io.Serializable;
import java.util.Properties;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.clock.SystemClock;
import org.apache.kafka.common.Uuid;

/**
 * Kafka's source with a gate: it reads nothing while Redis is full, refuses writes or does not
 * answer, nor before the job has the lease. Its splits have their clocks with them.
 *
 * @param <T> the records
 */
public final class GatedSource<T>
    implements Source<T, ClockedSplit, GatedEnumeratorState>, ResultTypeQueryable<T> {

  private static final long serialVersionUID = 1L;

  private final KafkaSourceFactory<T> factory;
  private final KafkaSource<T> kafka;
  private final RedisGateSettings redis;
  private final LeaseSettings lease;
  private final SourceTopic topic;
  private final ClockSettings clock;
  private final boolean adoptFirst;

  /** Makes Kafka's source. */
  @FunctionalInterface
  public interface KafkaSourceFactory<T> extends Serializable {

    /** Returns a source whose clients have these properties. */
    KafkaSource<T> create(Properties clients);
  }

  /**
   * Makes a source.
   *
   * @param topic the topic's name
   * @param clients properties of all Kafka clients
   * @param redis closes the gate
   * @param lease without it the gate is closed
   * @param adoptFirst whether a source without state waits for the end of the adoption
   */
  public GatedSource(
      KafkaSourceFactory<T> factory,
      String topic,
      Properties clients,
      RedisGateSettings redis,
      LeaseSettings lease,
      ClockSettings clock,
      boolean adoptFirst) {
    this.factory = factory;
    this.kafka = factory.create(clients);
    this.topic = new SourceTopic(topic, clients);
    this.redis = redis;
    this.lease = lease;
    this.clock = clock;
    this.adoptFirst = adoptFirst;
  }

  @Override
  public Boundedness getBoundedness() {
    return kafka.getBoundedness();
  }

  @Override
  public SourceReader<T, ClockedSplit> createReader(SourceReaderContext context) throws Exception {
    MetricGroup metrics = context.metricGroup();
    SourceGate gate = SourceGate.open(redis, lease, metrics);
    Share<AdoptionStatus> adoption = AdoptionStatus.open(metrics);
    adoption.get().listen(() -> context.sendSourceEventToCoordinator(new AdoptionOver()));
    Share<SourceClock> time = SourceClock.open(metrics, clock, SystemClock.getInstance());
    time.get()
        .connect(
            gate::state,
            adoption.get()::begunAt,
            highest -> context.sendSourceEventToCoordinator(new ClockReport(highest)),
            metrics);
    Properties observed = new Properties();
    observed.putAll(topic.clients());
    PositionInterceptor.addTo(observed, TaskAttempt.id(metrics));
    return new GatedReader<>(
        factory.create(observed).createReader(context),
        gate,
        time,
        new LeaderOffsets(topic.clients(), time.get()),
        adoption);
  }

  @Override
  public SplitEnumerator<ClockedSplit, GatedEnumeratorState> createEnumerator(
      SplitEnumeratorContext<ClockedSplit> context) {
    CoordinatorContext observed = new CoordinatorContext(context);
    return gated(kafka.createEnumerator(observed), observed, Uuid.ZERO_UUID, adoptFirst);
  }

  @Override
  public SplitEnumerator<ClockedSplit, GatedEnumeratorState> restoreEnumerator(
      SplitEnumeratorContext<ClockedSplit> context, GatedEnumeratorState state) throws IOException {
    topic.check(state.kafka());
    CoordinatorContext observed = new CoordinatorContext(context);
    boolean started = state.kafka().initialDiscoveryFinished() || !state.kafka().splits().isEmpty();
    return gated(
        kafka.restoreEnumerator(observed, state.kafka()),
        observed,
        state.topicId(),
        adoptFirst && !started);
  }

  private GatedEnumerator gated(
      SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> enumerator,
      CoordinatorContext context,
      Uuid topicId,
      boolean waitsForAdoption) {
    return new GatedEnumerator(enumerator, context, topic, topicId, waitsForAdoption, isBounded());
  }

  private boolean isBounded() {
    return getBoundedness() == Boundedness.BOUNDED;
  }

  @Override
  public SimpleVersionedSerializer<ClockedSplit> getSplitSerializer() {
    return new ClockedSplitSerializer(kafka.getSplitSerializer());
  }

  @Override
  public SimpleVersionedSerializer<GatedEnumeratorState> getEnumeratorCheckpointSerializer() {
    return new GatedEnumeratorStateSerializer(kafka.getEnumeratorCheckpointSerializer());
  }

  @Override
  public TypeInformation<T> getProducedType() {
    return kafka.getProducedType();
  }
}
