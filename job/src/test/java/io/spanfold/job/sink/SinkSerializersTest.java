package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.config.SpanfoldConfig;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.connector.kafka.sink.internal.CheckpointTransaction;
import org.apache.flink.connector.kafka.sink.internal.TransactionOwnership;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class SinkSerializersTest {

  private final SegmentSink sink =
      new SegmentSink(
          SpanfoldConfig.of(
              Configuration.fromMap(
                  Map.of("kafka.bootstrap.servers", "unused:1", "redis.uri", "redis://unused"))),
          1 << 20,
          metrics -> {
            throw new IOException("unused");
          },
          metrics -> {
            throw new IOException("unused");
          });

  @Test
  void readsCommittablesAsTheyWereWritten() throws IOException {
    KafkaCommittable transaction = new KafkaCommittable(12, (short) 3, "spanfold-1", null);

    TransactionCommittable<Receipt> read =
        roundTrip(
            new TransactionCommittable<>(
                transaction,
                Map.of(new TopicPartition("segments", 1), 1L << 40),
                List.of(TestParts.receipt(1), TestParts.receipt(2))));

    assertThat(read.transaction()).isEqualTo(transaction);
    assertThat(read.since()).containsOnly(Map.entry(new TopicPartition("segments", 1), 1L << 40));
    assertThat(read.items()).map(Receipt::segmentId).containsExactly(1L, 2L);
    assertThat(read.items().get(1).flushIds()).isEqualTo(TestParts.flushIds(2));
  }

  @Test
  void readsCommittablesWithoutATransaction() throws IOException {
    TransactionCommittable<Receipt> read =
        roundTrip(new TransactionCommittable<>(null, Map.of(), List.of(TestParts.receipt(9))));

    assertThat(read.transaction()).isNull();
    assertThat(read.items()).hasSize(1);
  }

  @Test
  void readsWriterStatesAsTheyWereWritten() throws IOException {
    SegmentWriterState state =
        new SegmentWriterState(
            new KafkaWriterState(
                "spanfold",
                1,
                2,
                TransactionOwnership.IMPLICIT_BY_SUBTASK_ID,
                List.of(new CheckpointTransaction("spanfold-1-7", 7))));
    SimpleVersionedSerializer<SegmentWriterState> serializer = sink.getWriterStateSerializer();

    SegmentWriterState read =
        serializer.deserialize(serializer.getVersion(), serializer.serialize(state));

    assertThat(read).isEqualTo(state);
  }

  @Test
  void refusesWhatANewerReleaseWrote() throws IOException {
    SimpleVersionedSerializer<TransactionCommittable<Receipt>> committables =
        sink.getCommittableSerializer();
    byte[] bytes = committables.serialize(new TransactionCommittable<>(null, Map.of(), List.of()));

    assertThatThrownBy(() -> committables.deserialize(2, bytes))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("of version 2")
        .hasMessageContaining("reads up to 1");
    assertThatThrownBy(() -> sink.getWriterStateSerializer().deserialize(2, bytes))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("of version 2");
  }

  @Test
  void travelsToTheTaskManagers() throws Exception {
    assertThat(InstantiationUtil.clone(sink)).isNotNull();
  }

  private TransactionCommittable<Receipt> roundTrip(TransactionCommittable<Receipt> committable)
      throws IOException {
    SimpleVersionedSerializer<TransactionCommittable<Receipt>> serializer =
        sink.getCommittableSerializer();
    return serializer.deserialize(serializer.getVersion(), serializer.serialize(committable));
  }
}
