package io.spanfold.job.source;

import io.spanfold.core.model.ClockSnapshot;
import io.spanfold.core.model.OffsetGap;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Version 1: the version of the Kafka split's serializer and its bytes, whether there is a clock,
 * and its four times, then the gaps with their number first.
 */
final class ClockedSplitSerializer implements SimpleVersionedSerializer<ClockedSplit> {

  private final SimpleVersionedSerializer<KafkaPartitionSplit> partitions;

  ClockedSplitSerializer(SimpleVersionedSerializer<KafkaPartitionSplit> partitions) {
    this.partitions = partitions;
  }

  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  public byte[] serialize(ClockedSplit split) throws IOException {
    byte[] partition = partitions.serialize(split.partition());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(partitions.getVersion());
    out.writeInt(partition.length);
    out.write(partition);
    out.writeBoolean(split.clock().isPresent());
    if (split.clock().isPresent()) {
      ClockSnapshot clock = split.clock().get();
      out.writeLong(clock.time());
      out.writeLong(clock.latestRecord());
      out.writeLong(clock.wallClock());
      out.writeLong(clock.silent());
    }
    out.writeInt(split.gaps().size());
    for (OffsetGap gap : split.gaps()) {
      out.writeLong(gap.from());
      out.writeLong(gap.to());
    }
    return bytes.toByteArray();
  }

  @Override
  public ClockedSplit deserialize(int version, byte[] bytes) throws IOException {
    if (version != 1) {
      throw new IOException(
          "The savepoint was taken by a newer release: its source has version %d, which this one cannot read."
              .formatted(version));
    }
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    int partitionVersion = in.readInt();
    KafkaPartitionSplit partition =
        partitions.deserialize(partitionVersion, in.readNBytes(in.readInt()));
    Optional<ClockSnapshot> clock =
        in.readBoolean()
            ? Optional.of(
                new ClockSnapshot(in.readLong(), in.readLong(), in.readLong(), in.readLong()))
            : Optional.empty();
    List<OffsetGap> gaps = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      gaps.add(new OffsetGap(in.readLong(), in.readLong()));
    }
    return new ClockedSplit(partition, clock, gaps);
  }
}
