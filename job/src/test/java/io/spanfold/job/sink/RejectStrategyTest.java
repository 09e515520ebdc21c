package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Outcome.Reason;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.sink.RecoveryStrategy.Layout;
import io.spanfold.job.sink.RecoveryStrategy.Recovery;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

class RejectStrategyTest {

  private static final TalliedOutcome OUTCOME =
      new TalliedOutcome(
          "0123456789abcdef0123456789abcdef", new Outcome(1_000, 2, 3, Reason.DROPPED, 5));

  private static final DeadLetter LETTER =
      new DeadLetter(
          new byte[] {1},
          new byte[] {2},
          List.of(new DeadLetter.Header("h", null)),
          "invalid-json",
          "spans",
          new SourcePosition(3, 42, 0),
          "x".repeat(5_000));

  private final CountingMetrics metrics = new CountingMetrics();

  @Test
  void writesOutcomesAsTheirContractSays() {
    ProducerRecord<byte[], byte[]> record = onlyRecord(strategy(9), OUTCOME);

    assertThat(record.topic()).isEqualTo("outcomes");
    assertThat(new String(record.key(), UTF_8)).isEqualTo("3");
    assertThat(new String(record.value(), UTF_8))
        .isEqualTo(
            "{\"timestamp\":\"1970-01-01T00:00:01Z\",\"org_id\":2,\"project_id\":3,\"outcome\":3,"
                + "\"reason\":\"dropped\",\"category\":16,\"quantity\":5}");
    assertThat(new String(record.headers().lastHeader("outcome_id").value(), UTF_8))
        .isEqualTo(OUTCOME.id());
  }

  @Test
  void makesOutcomesAgainFromTheirItem() throws Exception {
    RejectStrategy strategy = strategy(9);
    List<ProducerRecord<byte[], byte[]>> made = new ArrayList<>();
    try (Recovery<Reject> recovery = strategy.recovery(metrics)) {
      assertThat(recovery.records(List.of(OUTCOME), made::add)).isEqualTo(1);
    }

    ProducerRecord<byte[], byte[]> first = onlyRecord(strategy, OUTCOME);
    assertThat(made)
        .singleElement()
        .satisfies(
            again -> {
              assertThat(again.topic()).isEqualTo(first.topic());
              assertThat(again.key()).isEqualTo(first.key());
              assertThat(again.value()).isEqualTo(first.value());
              assertThat(again.headers()).isEqualTo(first.headers());
            });
  }

  @Test
  void findsARecordByTheIdOfItsItem() throws Exception {
    RejectStrategy strategy = strategy(9);
    Layout<Reject, Reject> layout = strategy.layout(metrics);
    try (Recovery<Reject> recovery = strategy.recovery(metrics)) {
      for (Reject reject : List.of(LETTER, OUTCOME)) {
        assertThat(recovery.ids(layout.item(reject, 0)))
            .containsExactly(recovery.id(consumed(onlyRecord(strategy, reject))));
      }
    }
  }

  /** More than the producer sends, so Kafka need not be asked. */
  @Test
  void countsLettersThatGoWithoutTheirValue() {
    DeadLetter huge =
        new DeadLetter(
            null,
            new byte[70 << 20],
            List.of(),
            "too-large",
            "spans",
            new SourcePosition(3, 42, 0),
            "huge");
    Layout<Reject, Reject> layout = strategy(9).layout(metrics);

    assertThat(layout.records(LETTER).get(0).value()).isNotNull();
    assertThat(layout.records(huge).get(0).value()).isNull();
    assertThat(metrics.count("deadLettersTruncated")).isEqualTo(1);
  }

  @Test
  void listsALetterWithItsPositionAndAShortErrorOnly() {
    DeadLetter listed = (DeadLetter) strategy(9).layout(metrics).item(LETTER, 0);

    assertThat(listed)
        .isEqualTo(
            new DeadLetter(
                null,
                null,
                List.of(),
                "invalid-json",
                "spans",
                new SourcePosition(3, 42, 0),
                "x".repeat(200) + "..."));
  }

  @Test
  void listsABoundedNumberOfEachKindInATransaction() {
    Layout<Reject, Reject> layout = strategy(2).layout(metrics);
    List<Reject> listed = new ArrayList<>();
    for (Reject reject : List.of(OUTCOME, OUTCOME, OUTCOME, LETTER, LETTER, LETTER)) {
      Reject item = layout.item(reject, listed.size());
      if (item != null) {
        listed.add(item);
      }
    }

    assertThat(listed).hasSize(4);
    assertThat(listed.subList(0, 2)).containsOnly(OUTCOME);
    assertThat(metrics.count("deadLettersUnlisted")).isEqualTo(1);
    assertThat(metrics.count("outcomeSpansOut")).isEqualTo(15);
    assertThat(metrics.count("outcomeSpansUnlisted")).isEqualTo(5);
    assertThat(layout.item(LETTER, 0)).as("the first of the next transaction").isNotNull();
  }

  @Test
  void listsNothingWithoutTransactionsAndCountsNothingAsUnlisted() {
    Layout<Reject, Reject> layout = strategy(0).layout(metrics);

    assertThat(layout.item(LETTER, 0)).isNull();
    assertThat(layout.item(OUTCOME, 0)).isNull();
    assertThat(metrics.count("deadLettersUnlisted")).isZero();
    assertThat(metrics.count("outcomeSpansOut")).isEqualTo(5);
    assertThat(metrics.count("outcomeSpansUnlisted")).isZero();
  }

  private static RejectStrategy strategy(int maxListed) {
    KafkaSettings nowhere = new KafkaSettings("localhost:1", Map.of());
    return new RejectStrategy(
        "dead",
        "outcomes",
        new PayloadRecoverySettings(nowhere, "spans", Duration.ofSeconds(1)),
        maxListed);
  }

  private ProducerRecord<byte[], byte[]> onlyRecord(RejectStrategy strategy, Reject reject) {
    List<ProducerRecord<byte[], byte[]>> records =
        strategy.layout(new CountingMetrics()).records(reject);
    assertThat(records).hasSize(1);
    return records.get(0);
  }

  private static ConsumerRecord<byte[], byte[]> consumed(ProducerRecord<byte[], byte[]> record) {
    ConsumerRecord<byte[], byte[]> consumed =
        new ConsumerRecord<>(record.topic(), 0, 0, record.key(), record.value());
    record.headers().forEach(consumed.headers()::add);
    return consumed;
  }
}
