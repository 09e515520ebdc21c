package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Outcome.Reason;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.serialization.StateType;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.KafkaUnderTest;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.runtime.operators.sink.SinkWriterOperatorFactory;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class RejectSinkITCase {

  private static final int LARGE = 12_000_000;

  @RegisterExtension static final MiniClusterExtension FLINK = new MiniClusterExtension();

  @Test
  void commitsLettersOfAnySizeAndOutcomesOnceInTheSameTransactions() throws Exception {
    try (KafkaUnderTest broker = KafkaUnderTest.start()) {
      broker.createTopic("ingest-spans-dlq", 1);
      broker.createTopic("outcomes", 1);
      run(config(broker));

      try (CommittedRecords dead =
              new CommittedRecords(broker.bootstrapServers(), "ingest-spans-dlq");
          CommittedRecords outcomes = new CommittedRecords(broker.bootstrapServers(), "outcomes")) {
        List<ConsumerRecord<byte[], byte[]>> records = dead.all();
        assertThat(records)
            .map(
                record -> new String(record.headers().lastHeader("spanfold-offset").value(), UTF_8))
            .containsExactlyInAnyOrder("0", "1", "3", "4", "6", "7");
        assertThat(records).filteredOn(record -> record.value() == null).hasSize(3);
        assertThat(records)
            .filteredOn(record -> record.value() != null)
            .allMatch(record -> record.value().length == LARGE);
        assertThat(outcomes.all())
            .map(record -> new String(record.headers().lastHeader("outcome_id").value(), UTF_8))
            .containsExactlyInAnyOrder("outcome 2", "outcome 5", "outcome 8");
      }
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
        assertThat(admin.listTransactions().all().get())
            .isNotEmpty()
            .allMatch(listed -> listed.transactionalId().startsWith("spanfold-rejects-"));
      }
    }
  }

  /** Flink ends the whole process if a task that has failed throws again while it is closed. */
  @Test
  void closesAFencedWriterWithoutAnError() throws Exception {
    try (KafkaUnderTest broker = KafkaUnderTest.start()) {
      broker.createTopic("ingest-spans-dlq", 1);
      broker.createTopic("outcomes", 1);
      Map<String, Object> client = Map.of("bootstrap.servers", broker.bootstrapServers());
      SpanfoldConfig config = config(broker);
      var harness =
          new OneInputStreamOperatorTestHarness<>(
              new SinkWriterOperatorFactory<Reject, Object>(
                  new RecoverableKafkaSink<>(config, new RejectStrategy(config, source(config)))));
      harness.open();
      harness.processElement(new StreamRecord<>(letter(0)));
      Map<String, Object> same = new HashMap<>(client);
      same.put("transactional.id", openTransaction(client));
      try (KafkaProducer<byte[], byte[]> other =
          new KafkaProducer<>(same, new ByteArraySerializer(), new ByteArraySerializer())) {
        other.initTransactions();
      }
      harness.processElement(new StreamRecord<>(letter(2)));

      assertThatNoException().isThrownBy(harness::close);
    }
  }

  private static SpanfoldConfig config(KafkaUnderTest broker) {
    return SpanfoldConfig.of(
        Configuration.fromMap(
            Map.of(
                "kafka.bootstrap.servers",
                broker.bootstrapServers(),
                "redis.uri",
                "redis://unused")));
  }

  private static String openTransaction(Map<String, Object> client) throws Exception {
    try (Admin admin = Admin.create(client)) {
      while (true) {
        for (TransactionListing transaction : admin.listTransactions().all().get()) {
          if (transaction.state() == TransactionState.ONGOING) {
            return transaction.transactionalId();
          }
        }
      }
    }
  }

  private static void run(SpanfoldConfig config) throws Exception {
    Configuration flink = new Configuration();
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(200));
    flink.set(PipelineOptions.GENERIC_TYPES, false);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(flink);
    environment.setParallelism(1);
    environment
        .fromSource(
            new DataGeneratorSource<>(
                number -> number, 9, RateLimiterStrategy.perCheckpoint(3), Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "numbers")
        .map(RejectSinkITCase::reject)
        .returns(StateType.REJECT)
        .disableChaining()
        .sinkTo(new RecoverableKafkaSink<>(config, new RejectStrategy(config, source(config))));
    environment.execute();
  }

  private static PayloadRecoverySettings source(SpanfoldConfig config) {
    return new PayloadRecoverySettings(config.kafka(), "ingest-spans", Duration.ofMinutes(1));
  }

  private static Reject reject(long number) {
    return number % 3 == 2
        ? new TalliedOutcome("outcome " + number, new Outcome(0, 1, 2, Reason.DROPPED, 1))
        : letter(number);
  }

  private static DeadLetter letter(long number) {
    byte[] value = number % 2 == 0 ? null : new byte[LARGE];
    return new DeadLetter(
        null,
        value,
        List.of(),
        "oversized",
        "ingest-spans",
        new SourcePosition(0, number, 0),
        "on purpose");
  }
}
