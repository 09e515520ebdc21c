package io.spanfold.job.source;

import io.spanfold.core.model.ClockSnapshot;
import io.spanfold.core.model.OffsetGap;
import java.util.List;
import java.util.Optional;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;

/**
 * A partition to read, with what has to follow it to another subtask.
 *
 * @param partition the partition and its offsets
 * @param clock its clock; empty if no record was ever read
 * @param gaps what was passed without a record and may have been deleted
 */
record ClockedSplit(
    KafkaPartitionSplit partition, Optional<ClockSnapshot> clock, List<OffsetGap> gaps)
    implements SourceSplit {

  /** Returns a partition of which nothing was read. */
  static ClockedSplit unread(KafkaPartitionSplit partition) {
    return new ClockedSplit(partition, Optional.empty(), List.of());
  }

  @Override
  public String splitId() {
    return partition.splitId();
  }
}
