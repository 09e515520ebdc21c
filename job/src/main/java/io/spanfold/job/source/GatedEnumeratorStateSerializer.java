package io.spanfold.job.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.kafka.common.Uuid;

/** Version 1: the topic's id, then the version of the Kafka state's serializer and its bytes. */
final class GatedEnumeratorStateSerializer
    implements SimpleVersionedSerializer<GatedEnumeratorState> {

  private final SimpleVersionedSerializer<KafkaSourceEnumState> kafka;

  GatedEnumeratorStateSerializer(SimpleVersionedSerializer<KafkaSourceEnumState> kafka) {
    this.kafka = kafka;
  }

  @Override
  public int getVersion() {
    return 1;
  }

  @Override
  public byte[] serialize(GatedEnumeratorState state) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(state.topicId().getMostSignificantBits());
    out.writeLong(state.topicId().getLeastSignificantBits());
    out.writeInt(kafka.getVersion());
    out.write(kafka.serialize(state.kafka()));
    return bytes.toByteArray();
  }

  @Override
  public GatedEnumeratorState deserialize(int version, byte[] bytes) throws IOException {
    if (version != 1) {
      throw new IOException(
          "The savepoint was taken by a newer release: its source has version %d, which this one cannot read."
              .formatted(version));
    }
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    Uuid topicId = new Uuid(in.readLong(), in.readLong());
    int kafkaVersion = in.readInt();
    return new GatedEnumeratorState(kafka.deserialize(kafkaVersion, in.readAllBytes()), topicId);
  }
}
