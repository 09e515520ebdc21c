package io.spanfold.sink;

import io.spanfold.codec.ReceiptCodec;
import io.spanfold.codec.VarInts;
import io.spanfold.model.FlushedPart.Receipt;
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
 * Version 1: whether there is a transaction; if so, Kafka's committable with its own version and
 * the offsets before it; the version of the receipts, how many, and each.
 */
final class SegmentCommittableSerializer implements SimpleVersionedSerializer<SegmentCommittable> {

  private static final int VERSION = 1;
  private static final ReceiptCodec RECEIPTS = new ReceiptCodec();

  private final SimpleVersionedSerializer<KafkaCommittable> kafka;

  SegmentCommittableSerializer(SimpleVersionedSerializer<KafkaCommittable> kafka) {
    this.kafka = kafka;
  }

  @Override
  public int getVersion() {
    return VERSION;
  }

  @Override
  public byte[] serialize(SegmentCommittable committable) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(1024);
    out.writeBoolean(committable.transaction() != null);
    if (committable.transaction() != null) {
      Versioned.write(kafka, committable.transaction(), out);
      Offsets.write(committable.since(), out);
    }
    VarInts.write(RECEIPTS.version(), out);
    VarInts.write(committable.receipts().size(), out);
    for (Receipt receipt : committable.receipts()) {
      RECEIPTS.write(receipt, out);
    }
    return out.getCopyOfBuffer();
  }

  @Override
  public SegmentCommittable deserialize(int version, byte[] bytes) throws IOException {
    Versioned.check("flushed parts to be committed", version, VERSION);
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    KafkaCommittable transaction = in.readBoolean() ? Versioned.read(kafka, in) : null;
    Map<TopicPartition, Long> since = transaction == null ? Map.of() : Offsets.read(in);
    int receiptVersion = VarInts.readInt(in);
    int count = VarInts.readInt(in);
    List<Receipt> receipts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      receipts.add(RECEIPTS.read(receiptVersion, in));
    }
    return new SegmentCommittable(transaction, since, receipts);
  }
}
