package io.spanfold.job.source;

import io.spanfold.job.adopt.AdoptionOver;
import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.memory.RedisMemoryMonitor;
import io.spanfold.job.memory.RedisMemoryMonitorSettings;
import io.spanfold.job.resource.SharedResource.Share;
import io.spanfold.job.time.ReadingStatus;
import java.io.IOException;
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

/**
 * Kafka's source with a gate: it reads nothing while Redis is full or does not answer. Its state is
 * that of Kafka's source.
 *
 * <p>A bounded source also ends after a restore. That of connector 5.0.0-2.2 does not: it signals
 * that no more splits come only if it has discovered a new partition.
 *
 * @param <T> the records
 */
public final class GatedSource<T>
    implements Source<T, KafkaPartitionSplit, KafkaSourceEnumState>, ResultTypeQueryable<T> {

  private static final long serialVersionUID = 1L;

  private final KafkaSource<T> kafka;
  private final RedisMemoryMonitorSettings monitor;
  private final Properties clients;
  private final boolean adoptFirst;

  /**
   * Makes a source.
   *
   * @param monitor closes the gate
   * @param clients properties of Kafka's clients, to ask for end offsets
   * @param adoptFirst whether a source without state waits for the end of the adoption
   */
  public GatedSource(
      KafkaSource<T> kafka,
      RedisMemoryMonitorSettings monitor,
      Properties clients,
      boolean adoptFirst) {
    this.kafka = kafka;
    this.monitor = monitor;
    this.clients = clients;
    this.adoptFirst = adoptFirst;
  }

  @Override
  public Boundedness getBoundedness() {
    return kafka.getBoundedness();
  }

  @Override
  public SourceReader<T, KafkaPartitionSplit> createReader(SourceReaderContext context)
      throws Exception {
    Share<RedisMemoryMonitor> gate = RedisMemoryMonitor.open(monitor);
    gate.get().register(context.metricGroup());
    Share<ReadingStatus> status = ReadingStatus.open(context.metricGroup());
    return new GatedReader<>(
        kafka.createReader(context),
        gate,
        status,
        new EndOffsets(clients, status.get()),
        adoption(context));
  }

  @Override
  public SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> createEnumerator(
      SplitEnumeratorContext<KafkaPartitionSplit> context) {
    SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> enumerator =
        kafka.createEnumerator(context);
    return adoptFirst ? new DeferredEnumerator<>(enumerator) : enumerator;
  }

  private static Share<AdoptionStatus> adoption(SourceReaderContext context) {
    Share<AdoptionStatus> adoption = AdoptionStatus.open(context.metricGroup());
    adoption.get().listen(() -> context.sendSourceEventToCoordinator(new AdoptionOver()));
    return adoption;
  }

  @Override
  public SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> restoreEnumerator(
      SplitEnumeratorContext<KafkaPartitionSplit> context, KafkaSourceEnumState state)
      throws Exception {
    SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> enumerator =
        restored(context, state);
    boolean started = state.initialDiscoveryFinished() || !state.splits().isEmpty();
    return adoptFirst && !started ? new DeferredEnumerator<>(enumerator) : enumerator;
  }

  private SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> restored(
      SplitEnumeratorContext<KafkaPartitionSplit> context, KafkaSourceEnumState state)
      throws IOException {
    if (getBoundedness() == Boundedness.CONTINUOUS_UNBOUNDED) {
      return kafka.restoreEnumerator(context, state);
    }
    var observed = new BoundedRestoreEnumerator.Context<>(context);
    return new BoundedRestoreEnumerator<>(kafka.restoreEnumerator(observed, state), observed);
  }

  @Override
  public SimpleVersionedSerializer<KafkaPartitionSplit> getSplitSerializer() {
    return kafka.getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<KafkaSourceEnumState> getEnumeratorCheckpointSerializer() {
    return kafka.getEnumeratorCheckpointSerializer();
  }

  @Override
  public TypeInformation<T> getProducedType() {
    return kafka.getProducedType();
  }
}
