package io.spanfold.job.sink;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.job.serialization.StateType;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.core.io.SimpleVersionedSerialization;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.kafka.common.TopicPartition;

/**
 * The output of one writer for one checkpoint: a transaction and its items.
 *
 * @param <T> an item, see {@link RecoveryStrategy}
 * @param transaction Kafka's; null if nothing was written, or delivery is not exactly-once
 * @param since the topics' end offsets before the transaction began: its records are at or after
 *     these; a partition that is not named counts from its beginning
 * @param items the items in the transaction
 */
record TransactionCommittable<T>(
    KafkaCommittable transaction, Map<TopicPartition, Long> since, List<T> items) {

  /**
   * Writes whether there is a transaction; if so, Kafka's committable with its own version, and the
   * offsets before it; then the type and version of the items, and the items.
   *
   * @param kafka for Kafka's committable
   * @param itemType the type of the items
   */
  record Serializer<T>(SimpleVersionedSerializer<KafkaCommittable> kafka, StateType<T> itemType)
      implements SimpleVersionedSerializer<TransactionCommittable<T>> {

    private static final int VERSION = 1;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(TransactionCommittable<T> committable) throws IOException {
      DataOutputSerializer out = new DataOutputSerializer(1024);
      out.writeBoolean(committable.transaction() != null);
      if (committable.transaction() != null) {
        SimpleVersionedSerialization.writeVersionAndSerialize(
            kafka, committable.transaction(), out);
        writeOffsets(committable.since(), out);
      }
      out.writeUTF(itemType.id());
      VarInts.write(itemType.version(), out);
      VarInts.write(committable.items().size(), out);
      for (T item : committable.items()) {
        itemType.write(item, out);
      }
      return out.getCopyOfBuffer();
    }

    @Override
    public TransactionCommittable<T> deserialize(int version, byte[] bytes) throws IOException {
      check("committables", version, VERSION);
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      KafkaCommittable transaction =
          in.readBoolean()
              ? SimpleVersionedSerialization.readVersionAndDeSerialize(kafka, in)
              : null;
      Map<TopicPartition, Long> since = transaction == null ? Map.of() : readOffsets(in);
      String written = in.readUTF();
      if (!written.equals(itemType.id())) {
        throw new IOException(
            "The savepoint has a transaction that lists items of type %s where type %s is expected; restore it with the release that took it."
                .formatted(written, itemType.id()));
      }
      int itemVersion = VarInts.readInt(in);
      check(itemType.id(), itemVersion, itemType.version());
      int count = VarInts.readInt(in);
      List<T> items = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        items.add(itemType.read(itemVersion, in));
      }
      return new TransactionCommittable<>(transaction, since, items);
    }

    private static void check(String what, int version, int newest) throws IOException {
      if (version < 1 || version > newest) {
        throw new IOException(
            "The savepoint has %s of version %d, and this release reads up to %d; restore it with the release that took it, or a newer one."
                .formatted(what, version, newest));
      }
    }

    private static void writeOffsets(Map<TopicPartition, Long> offsets, DataOutput out)
        throws IOException {
      VarInts.write(offsets.size(), out);
      for (Map.Entry<TopicPartition, Long> entry : offsets.entrySet()) {
        out.writeUTF(entry.getKey().topic());
        VarInts.write(entry.getKey().partition(), out);
        VarInts.write(entry.getValue(), out);
      }
    }

    private static Map<TopicPartition, Long> readOffsets(DataInput in) throws IOException {
      Map<TopicPartition, Long> offsets = new HashMap<>();
      for (int i = VarInts.readInt(in); i > 0; i--) {
        offsets.put(new TopicPartition(in.readUTF(), VarInts.readInt(in)), VarInts.read(in));
      }
      return offsets;
    }
  }
}
