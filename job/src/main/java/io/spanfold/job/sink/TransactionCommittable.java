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
 * The output of one writer for one checkpoint: a transaction and its items. It also carries the
 * items of earlier transactions that are committed but not cleaned up yet, so that they survive the
 * task.
 *
 * @param <T> an item, see {@link RecoveryStrategy}
 * @param transaction Kafka's; null if nothing was written, or delivery is not exactly-once
 * @param since the topics' end offsets before the transaction began: its records are at or after
 *     these; a partition that is not named counts from its beginning
 * @param items the items in the transaction
 * @param pending those of earlier transactions
 * @param last whether the writer's input has ended, so that nothing comes after this
 */
record TransactionCommittable<T>(
    KafkaCommittable transaction,
    Map<TopicPartition, Long> since,
    EncodedItems<T> items,
    Pending<T> pending,
    boolean last) {

  private static final int HEAD_BYTES = 1024;

  /**
   * Items whose records are committed, and which a task has yet to clean up after.
   *
   * @param task the attempt of the task, which still has them in memory while it runs
   * @param items in the order in which they were committed
   */
  record Pending<T>(String task, List<EncodedItems<T>> items) {

    private int length() {
      return items.stream().mapToInt(EncodedItems::length).sum();
    }

    private void write(DataOutput out) throws IOException {
      out.writeUTF(task);
      VarInts.write(items.size(), out);
      for (EncodedItems<T> each : items) {
        each.write(out);
      }
    }

    private static <T> Pending<T> read(StateType<T> itemType, DataInput in) throws IOException {
      String task = in.readUTF();
      List<EncodedItems<T>> items = new ArrayList<>();
      for (int i = VarInts.readInt(in); i > 0; i--) {
        items.add(EncodedItems.read(itemType, in));
      }
      return new Pending<>(task, items);
    }
  }

  /**
   * Writes whether there is a transaction; if so, Kafka's committable with its own version, and the
   * offsets before it; then the items, the pending ones, and whether this is the last.
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
      DataOutputSerializer out =
          new DataOutputSerializer(
              HEAD_BYTES + committable.items().length() + committable.pending().length());
      out.writeBoolean(committable.transaction() != null);
      if (committable.transaction() != null) {
        SimpleVersionedSerialization.writeVersionAndSerialize(
            kafka, committable.transaction(), out);
        writeOffsets(committable.since(), out);
      }
      committable.items().write(out);
      committable.pending().write(out);
      out.writeBoolean(committable.last());
      return out.getCopyOfBuffer();
    }

    @Override
    public TransactionCommittable<T> deserialize(int version, byte[] bytes) throws IOException {
      checkVersion("committables", version, VERSION);
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      KafkaCommittable transaction =
          in.readBoolean()
              ? SimpleVersionedSerialization.readVersionAndDeSerialize(kafka, in)
              : null;
      Map<TopicPartition, Long> since = transaction == null ? Map.of() : readOffsets(in);
      EncodedItems<T> items = EncodedItems.read(itemType, in);
      Pending<T> pending = Pending.read(itemType, in);
      return new TransactionCommittable<>(transaction, since, items, pending, in.readBoolean());
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

  /** Throws {@link IOException} if this release cannot read a form of {@code version}. */
  static void checkVersion(String what, int version, int newest) throws IOException {
    if (version < 1 || version > newest) {
      throw new IOException(
          "The savepoint has %s of version %d, and this release reads up to %d; restore it with the release that took it, or a newer one."
              .formatted(what, version, newest));
    }
  }
}
