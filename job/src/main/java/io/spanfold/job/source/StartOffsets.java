package io.spanfold.job.source;

import io.spanfold.job.config.StartingOffsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * Where a job without state starts to read. The coordinator resolves the offsets, so that a
 * checkpoint before the first record has them.
 *
 * <p>An offset that does not exist any more always means the earliest record there is, also after a
 * restore: Kafka's own initializers would then skip to the end of the topic if the job was once
 * started there.
 */
@SuppressWarnings("deprecation") // Kafka deprecates the strategy; the connector still asks for it.
public final class StartOffsets implements OffsetsInitializer {

  private static final long serialVersionUID = 1L;

  private final StartingOffsets start;

  public StartOffsets(StartingOffsets start) {
    this.start = start;
  }

  @Override
  public Map<TopicPartition, Long> getPartitionOffsets(
      Collection<TopicPartition> partitions, PartitionOffsetsRetriever topic) {
    return switch (start.origin()) {
      case EARLIEST -> topic.beginningOffsets(partitions);
      case LATEST -> topic.endOffsets(partitions);
      case COMMITTED -> {
        Map<TopicPartition, Long> offsets = new HashMap<>(topic.beginningOffsets(partitions));
        offsets.putAll(topic.committedOffsets(partitions));
        yield offsets;
      }
      case TIMESTAMP ->
          OffsetsInitializer.timestamp(start.timestamp()).getPartitionOffsets(partitions, topic);
    };
  }

  @Override
  public OffsetResetStrategy getAutoOffsetResetStrategy() {
    return OffsetResetStrategy.EARLIEST;
  }
}
