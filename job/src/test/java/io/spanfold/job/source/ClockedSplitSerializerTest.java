package io.spanfold.job.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.ClockSnapshot;
import io.spanfold.core.model.OffsetGap;
import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplitSerializer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** Savepoints hold these bytes: a changed form needs a new version. */
class ClockedSplitSerializerTest {

  private final KafkaPartitionSplitSerializer kafka = new KafkaPartitionSplitSerializer();
  private final ClockedSplitSerializer serializer = new ClockedSplitSerializer(kafka);

  private final KafkaPartitionSplit partition =
      new KafkaPartitionSplit(new TopicPartition("ingest-", 3), 400);

  @Test
  void writesAndReadsAPartitionWithItsClock() throws IOException {
    ClockSnapshot clock = new ClockSnapshot(1, 2, 3, 4);
    check(
        new ClockedSplit(partition, Optional.of(clock), List.of(new OffsetGap(5, 6))),
        "01"
            + "0000000000000001"
            + "0000000000000002"
            + "0000000000000003"
            + "0000000000000004"
            + "00000001"
            + "0000000000000005"
            + "0000000000000006");
  }

  @Test
  void writesAndReadsAPartitionWithoutAClock() throws IOException {
    check(ClockedSplit.unread(partition), "00" + "00000000");
  }

  @Test
  void refusesWhatANewerReleaseWrote() {
    assertThatThrownBy(() -> serializer.deserialize(2, new byte[0]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("newer release");
  }

  private void check(ClockedSplit split, String clock) throws IOException {
    byte[] bytes = serializer.serialize(split);
    String partitionHex = HexFormat.of().formatHex(kafka.serialize(split.partition()));
    assertThat(HexFormat.of().formatHex(bytes))
        .isEqualTo("00000000%08x%s%s".formatted(partitionHex.length() / 2, partitionHex, clock));
    ClockedSplit read = serializer.deserialize(serializer.getVersion(), bytes);
    assertThat(read).isEqualTo(split);
  }
}
