package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Outcome.Reason;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.SpanfoldConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.util.InstantiationUtil;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class OutcomeSinkTest {

  private static final TalliedOutcome OUTCOME =
      new TalliedOutcome("0123456789abcdef0123456789abcdef", outcome(5));

  private final OutcomeRecords records = new OutcomeRecords("told", OutcomeSink.OUTCOME_ID);
  private final OutcomeSink sink =
      new OutcomeSink(
          SpanfoldConfig.of(
              Configuration.fromMap(
                  Map.of("kafka.bootstrap.servers", "unused:1", "redis.uri", "redis://unused"))));

  @Test
  void writesWhatTheContractOfOutcomesAsksFor() {
    ProducerRecord<byte[], byte[]> record = records.of(OUTCOME.outcome(), OUTCOME.id());

    assertThat(record.topic()).isEqualTo("told");
    assertThat(new String(record.key(), UTF_8)).isEqualTo("3");
    assertThat(new String(record.value(), UTF_8))
        .isEqualTo(
            "{\"timestamp\":\"1970-01-01T00:00:01Z\",\"org_id\":2,\"project_id\":3,\"outcome\":3,"
                + "\"reason\":\"dropped\",\"category\":16,\"quantity\":5}");
    assertThat(records.id(record.headers())).isEqualTo(OUTCOME.id());
  }

  @Test
  void makesWhatWasInAnAbortedTransactionAgainFromWhatIsListed() throws Exception {
    OutcomeContents contents = new OutcomeContents(records);
    List<ProducerRecord<byte[], byte[]>> made = new ArrayList<>();

    assertThat(contents.records(List.of(OUTCOME), made::add)).isEqualTo(1);

    ProducerRecord<byte[], byte[]> first = records.of(OUTCOME.outcome(), OUTCOME.id());
    assertThat(made)
        .singleElement()
        .satisfies(
            again -> {
              assertThat(again.topic()).isEqualTo(contents.topics().get(0));
              assertThat(again.key()).isEqualTo(first.key());
              assertThat(again.value()).isEqualTo(first.value());
              assertThat(contents.ids(OUTCOME)).containsExactly(records.id(again.headers()));
            });
  }

  @Test
  void readsCommittablesAsTheyWereWritten() throws Exception {
    TransactionCommittable<TalliedOutcome> written =
        new TransactionCommittable<>(
            new KafkaCommittable(12, (short) 3, "spanfold-outcomes-1", null),
            Map.of(new TopicPartition("told", 1), 40L),
            List.of(OUTCOME));
    SimpleVersionedSerializer<TransactionCommittable<TalliedOutcome>> serializer =
        sink.getCommittableSerializer();

    assertThat(serializer.deserialize(serializer.getVersion(), serializer.serialize(written)))
        .isEqualTo(written);
  }

  @Test
  void listsABoundedNumberAndCountsTheOthers() {
    Counter told = new SimpleCounter();
    Counter unlisted = new SimpleCounter();
    OutcomeSink.Layout layout = new OutcomeSink.Layout(records, 2, told, unlisted);

    assertThat(IntStream.range(0, 3).mapToObj(listed -> layout.item(OUTCOME, listed)))
        .containsExactly(OUTCOME, OUTCOME, null);

    assertThat(told.getCount()).isEqualTo(15);
    assertThat(unlisted.getCount()).isEqualTo(5);
  }

  @Test
  void isIdleWhereNothingIsToBeDropped() throws Exception {
    var writer = sink.createWriter(null);

    assertThat(writer).isInstanceOf(IdleWriter.class);
    assertThat(((IdleWriter<?, ?, ?>) writer).prepareCommit()).isEmpty();
    assertThat(writer.snapshotState(1)).isEmpty();
  }

  @Test
  void travelsToTheTaskManagers() throws Exception {
    assertThat(InstantiationUtil.clone(sink)).isNotNull();
  }

  private static Outcome outcome(long quantity) {
    return new Outcome(1_000, 2, 3, Reason.DROPPED, quantity);
  }
}
