package io.spanfold.job.sink;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.job.serialization.Codec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.kafka.common.TopicPartition;

/**
 * Whether there is a transaction; if so, Kafka's committable with its own version and the offsets
 * before it; the version of the items, how many, and each.
 *
 * @param <T> an item
 */
final class TransactionCommittableSerializer<T>
    implements SimpleVersionedSerializer<TransactionCommittable<T>> {

  private final SimpleVersionedSerializer<KafkaCommittable> kafka;
  private final Codec<T> items;
  private final int plain;

  /**
   * @param kafka for Kafka's committables
   * @param items for items
   * @param plain up to which version a committable was Kafka's alone; 0 where it never was
   */
  TransactionCommittableSerializer(
      SimpleVersionedSerializer<KafkaCommittable> kafka, Codec<T> items, int plain) {
    this.kafka = kafka;
    this.items = items;
    this.plain = plain;
  }

  @Override
  public int getVersion() {
    return plain + 1;
  }

  @Override
  public byte[] serialize(TransactionCommittable<T> committable) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(1024);
    out.writeBoolean(committable.transaction() != null);
    if (committable.transaction() != null) {
      Versioned.write(kafka, committable.transaction(), out);
      Offsets.write(committable.since(), out);
    }
    VarInts.write(items.version(), out);
    VarInts.write(committable.items().size(), out);
    for (T item : committable.items()) {
      items.write(item, out);
    }
    return out.getCopyOfBuffer();
  }

  @Override
  public TransactionCommittable<T> deserialize(int version, byte[] bytes) throws IOException {
    Versioned.check("records to be committed", version, getVersion());
    if (version <= plain) {
      return new TransactionCommittable<>(kafka.deserialize(version, bytes), Map.of(), List.of());
    }
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    KafkaCommittable transaction = in.readBoolean() ? Versioned.read(kafka, in) : null;
    Map<TopicPartition, Long> since = transaction == null ? Map.of() : Offsets.read(in);
    int itemVersion = VarInts.readInt(in);
    Versioned.check("what a transaction holds", itemVersion, items.version());
    int count = VarInts.readInt(in);
    List<T> read = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      read.add(items.read(itemVersion, in));
    }
    return new TransactionCommittable<>(transaction, since, read);
  }
}
