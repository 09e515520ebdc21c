package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.sink.TransactionCommittable.Pending;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class RecoverableKafkaSinkTest {

  static final KafkaCommittable TRANSACTION =
      new KafkaCommittable(12, (short) 3, "spanfold-1", null);
  private static final Map<TopicPartition, Long> SINCE =
      Map.of(new TopicPartition("segments", 1), 1L << 40);

  private final SpanfoldConfig config =
      SpanfoldConfig.of(
          Configuration.fromMap(
              Map.of("kafka.bootstrap.servers", "unused:1", "redis.uri", "redis://unused")));

  private final RecoverableKafkaSink<FlushedPart, Receipt> segments =
      new RecoverableKafkaSink<>(
          config,
          new SegmentStrategy(
              config,
              1 << 20,
              metrics -> {
                throw new IOException("unused");
              },
              metrics -> {
                throw new IOException("unused");
              }));

  private final RecoverableKafkaSink<Reject, Reject> rejects =
      new RecoverableKafkaSink<>(
          config,
          new RejectStrategy(
              config,
              new PayloadRecoverySettings(
                  new KafkaSettings("unused:1", Map.of()), "spans", Duration.ofSeconds(1))));

  @Test
  void readsCommittablesOfSegmentsAsTheyWereWritten() throws IOException {
    TransactionCommittable<Receipt> read =
        roundTrip(
            segments,
            new TransactionCommittable<>(
                TRANSACTION,
                SINCE,
                TestParts.receipts(LongStream.of(1, 2)),
                TestParts.nothingPending(),
                false));

    assertThat(read.transaction()).isEqualTo(TRANSACTION);
    assertThat(read.since()).isEqualTo(SINCE);
    assertThat(read.items()).map(Receipt::segmentId).containsExactly(1L, 2L);
    assertThat(read.items()).last().returns(TestParts.flushIds(2), Receipt::flushIds);
  }

  @Test
  void readsCommittablesOfRejectsAsTheyWereWritten() throws IOException {
    List<Reject> items =
        List.of(
            new DeadLetter(
                null,
                null,
                List.of(),
                "invalid-json",
                "spans",
                new SourcePosition(3, 42, 0),
                "no brace"),
            new TalliedOutcome(
                "0123456789abcdef0123456789abcdef",
                new Outcome(1_000, 2, 3, Outcome.Reason.DROPPED, 5)));

    TransactionCommittable<Reject> read =
        roundTrip(
            rejects,
            new TransactionCommittable<>(
                TRANSACTION,
                SINCE,
                EncodedItems.of(StateType.REJECT, items),
                TestParts.nothingPending(),
                true));

    assertThat(read.transaction()).isEqualTo(TRANSACTION);
    assertThat(read.since()).isEqualTo(SINCE);
    assertThat(read.items()).containsExactlyElementsOf(items);
    assertThat(read.last()).isTrue();
  }

  @Test
  void readsCommittablesWithoutATransactionAndWhatIsPending() throws IOException {
    TransactionCommittable<Receipt> read =
        roundTrip(
            segments,
            new TransactionCommittable<>(
                null,
                Map.of(),
                TestParts.receipts(LongStream.of(9)),
                new Pending<>(
                    "task",
                    List.of(
                        TestParts.receipts(LongStream.of(5)),
                        TestParts.receipts(LongStream.of(6, 7)))),
                false));

    assertThat(read.transaction()).isNull();
    assertThat(read.items()).hasSize(1);
    assertThat(read.pending().task()).isEqualTo("task");
    assertThat(read.pending().items().stream().flatMap(EncodedItems::stream))
        .map(Receipt::segmentId)
        .containsExactly(5L, 6L, 7L);
  }

  /** What a release cannot read it must not notice before it is needed, nor change. */
  @Test
  void passesItemsOnWithoutDecodingThem() throws IOException {
    SimpleVersionedSerializer<TransactionCommittable<Receipt>> committables =
        segments.getCommittableSerializer();
    byte[] bytes =
        committables.serialize(
            new TransactionCommittable<>(
                TRANSACTION,
                SINCE,
                TestParts.receipts(LongStream.range(0, 5)),
                TestParts.nothingPending(),
                false));
    byte[] damaged = bytes.clone();
    // In front of what is pending, which is "task" and that there is none, and of `last`.
    int end = damaged.length - (2 + "task".length() + 1) - 1;
    Arrays.fill(damaged, end - 100, end, (byte) 0xFF);

    TransactionCommittable<Receipt> read = committables.deserialize(1, damaged);
    assertThat(read.items().size()).isEqualTo(5);
    assertThat(committables.serialize(read)).isEqualTo(damaged);
    assertThatThrownBy(() -> read.items().forEach(Receipt::segmentId))
        .isInstanceOf(UncheckedIOException.class);
  }

  @Test
  void refusesCommittablesOfANewerRelease() throws IOException {
    SimpleVersionedSerializer<TransactionCommittable<Receipt>> committables =
        segments.getCommittableSerializer();
    byte[] bytes = committables.serialize(empty());

    assertThatThrownBy(() -> committables.deserialize(2, bytes))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("of version 2")
        .hasMessageContaining("reads up to 1");
  }

  @Test
  void refusesCommittablesOfAnotherKind() throws IOException {
    byte[] bytes = segments.getCommittableSerializer().serialize(empty());

    assertThatThrownBy(() -> rejects.getCommittableSerializer().deserialize(1, bytes))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("of type receipt where type reject is expected");
  }

  @Test
  void isSerializable() throws Exception {
    assertThat(InstantiationUtil.clone(segments)).isNotNull();
    assertThat(InstantiationUtil.clone(rejects)).isNotNull();
  }

  private static TransactionCommittable<Receipt> empty() throws IOException {
    return new TransactionCommittable<>(
        null, Map.of(), TestParts.receipts(LongStream.empty()), TestParts.nothingPending(), false);
  }

  private static <T> TransactionCommittable<T> roundTrip(
      RecoverableKafkaSink<?, T> sink, TransactionCommittable<T> committable) throws IOException {
    SimpleVersionedSerializer<TransactionCommittable<T>> serializer =
        sink.getCommittableSerializer();
    return serializer.deserialize(serializer.getVersion(), serializer.serialize(committable));
  }
}
