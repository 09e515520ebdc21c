package io.spanfold.job.sink;

import io.spanfold.core.encoding.VarInts;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/** Writes and reads offsets of partitions. */
final class Offsets {

  private Offsets() {}

  static void write(Map<TopicPartition, Long> offsets, DataOutput out) throws IOException {
    VarInts.write(offsets.size(), out);
    for (Map.Entry<TopicPartition, Long> entry : offsets.entrySet()) {
      out.writeUTF(entry.getKey().topic());
      VarInts.write(entry.getKey().partition(), out);
      VarInts.write(entry.getValue(), out);
    }
  }

  static Map<TopicPartition, Long> read(DataInput in) throws IOException {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    for (int i = VarInts.readInt(in); i > 0; i--) {
      offsets.put(new TopicPartition(in.readUTF(), VarInts.readInt(in)), VarInts.read(in));
    }
    return offsets;
  }
}
