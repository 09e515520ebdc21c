package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.serialization.CodecTypeInfo;
import io.spanfold.job.serialization.DeadLetterCodec;
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
class DeadLetterSinkITCase {

  private static final int LARGE = 12_000_000;

  @RegisterExtension static final MiniClusterExtension FLINK = new MiniClusterExtension();

  @Test
  void commitsDeadLettersOnceWhateverTheirSize() throws Exception {
    try (KafkaUnderTest broker = KafkaUnderTest.start()) {
      broker.createTopic("ingest-spans-dlq", 1);
      run(
          SpanfoldConfig.of(
              Configuration.fromMap(
                  Map.of(
                      "kafka.bootstrap.servers",
                      broker.bootstrapServers(),
                      "redis.uri",
                      "redis://unused"))));

      try (CommittedRecords dead =
          new CommittedRecords(broker.bootstrapServers(), "ingest-spans-dlq")) {
        List<ConsumerRecord<byte[], byte[]>> records = dead.all();
        assertThat(records)
            .map(
                record -> new String(record.headers().lastHeader("spanfold-offset").value(), UTF_8))
            .containsExactlyInAnyOrder("0", "1", "2", "3", "4", "5");
        assertThat(records).filteredOn(record -> record.value() == null).hasSize(3);
        assertThat(records)
            .filteredOn(record -> record.value() != null)
            .allMatch(record -> record.value().length == LARGE);
      }
    }
  }

  /** Flink ends the whole process where a task that fails throws once more while it is closed. */
  @Test
  void aWriterThatWasFencedIsClosedWithoutAnError() throws Exception {
    try (KafkaUnderTest broker = KafkaUnderTest.start()) {
      broker.createTopic("ingest-spans-dlq", 1);
      Map<String, Object> client = Map.of("bootstrap.servers", broker.bootstrapServers());
      SpanfoldConfig config =
          SpanfoldConfig.of(
              Configuration.fromMap(
                  Map.of(
                      "kafka.bootstrap.servers",
                      broker.bootstrapServers(),
                      "redis.uri",
                      "redis://unused")));
      var harness =
          new OneInputStreamOperatorTestHarness<>(
              new SinkWriterOperatorFactory<DeadLetter, Object>(
                  new DeadLetterSink(config, source(config))));
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
                number -> number, 6, RateLimiterStrategy.perCheckpoint(2), Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "numbers")
        .map(DeadLetterSinkITCase::letter)
        .returns(new CodecTypeInfo<>(DeadLetter.class, new DeadLetterCodec()))
        .disableChaining()
        .sinkTo(new DeadLetterSink(config, source(config)));
    environment.execute();
  }

  private static PayloadRecoverySettings source(SpanfoldConfig config) {
    return new PayloadRecoverySettings(
        config.kafka().bootstrapServers(), Map.of(), "ingest-spans", Duration.ofMinutes(1));
  }

  private static DeadLetter letter(long number) {
    byte[] value = number % 2 == 0 ? null : new byte[LARGE];
    return new DeadLetter(
        null, value, List.of(), "oversized", "ingest-spans", 0, number, "on purpose");
  }
}
