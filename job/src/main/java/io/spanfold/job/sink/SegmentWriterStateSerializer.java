package io.spanfold.job.sink;

import java.io.IOException;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Version 1: Kafka's state with its own version. */
final class SegmentWriterStateSerializer implements SimpleVersionedSerializer<SegmentWriterState> {

  private static final int VERSION = 1;

  private final SimpleVersionedSerializer<KafkaWriterState> kafka;

  SegmentWriterStateSerializer(SimpleVersionedSerializer<KafkaWriterState> kafka) {
    this.kafka = kafka;
  }

  @Override
  public int getVersion() {
    return VERSION;
  }

  @Override
  public byte[] serialize(SegmentWriterState state) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(128);
    Versioned.write(kafka, state.kafka(), out);
    return out.getCopyOfBuffer();
  }

  @Override
  public SegmentWriterState deserialize(int version, byte[] bytes) throws IOException {
    Versioned.check("a sink writer's state", version, VERSION);
    return new SegmentWriterState(Versioned.read(kafka, new DataInputDeserializer(bytes)));
  }
}
