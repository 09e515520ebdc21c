package io.spanfold.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.codec.CodecTypeInfo;
import io.spanfold.codec.DeadLetterCodec;
import io.spanfold.config.SpanfoldConfig;
import io.spanfold.model.DeadLetter;
import io.spanfold.reread.RereadSettings;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.KafkaUnderTest;
import java.time.Duration;
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
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.consumer.ConsumerRecord;
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

  private static RereadSettings source(SpanfoldConfig config) {
    return new RereadSettings(
        config.kafka().bootstrapServers(), Map.of(), "ingest-spans", Duration.ofMinutes(1));
  }

  private static DeadLetter letter(long number) {
    byte[] value = number % 2 == 0 ? null : new byte[LARGE];
    return new DeadLetter(
        null, value, List.of(), "oversized", "ingest-spans", 0, number, "on purpose");
  }
}
