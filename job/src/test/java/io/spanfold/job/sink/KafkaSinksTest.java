package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.job.config.SpanfoldConfig;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

class KafkaSinksTest {

  @Test
  void takesRecordsOfTheLargestSizeThatTheJobMakes() {
    Properties properties = KafkaSinks.producerProperties(config(), 10_000_000);

    assertThat(properties)
        .containsEntry("max.request.size", "10065536")
        .containsEntry("buffer.memory", "33554432")
        .containsEntry("transaction.timeout.ms", "900000")
        .containsEntry("bootstrap.servers", "broker:9092");
    assertThat(KafkaSinks.producerProperties(config(), 40_000_000))
        .containsEntry("buffer.memory", "80131072");
  }

  @Test
  void keepsWhatTheUserSetUnlessItIsTooSmall() {
    SpanfoldConfig config =
        config(
            "kafka.properties.compression.type", "zstd",
            "kafka.properties.max.request.size", "1000",
            "kafka.properties.buffer.memory", "99999999");

    assertThat(KafkaSinks.producerProperties(config, 1_000_000))
        .containsEntry("compression.type", "zstd")
        .containsEntry("max.request.size", "1065536")
        .containsEntry("buffer.memory", "99999999");
  }

  @Test
  void writesDeadLettersAsTheyCameWithReasonAndOrigin() {
    DeadLetter letter =
        new DeadLetter(
            null,
            new byte[] {(byte) 0xFF},
            List.of(new DeadLetter.Header("trace", null)),
            "invalid-json",
            "ingest-spans",
            3,
            42,
            "x".repeat(5_000));

    ProducerRecord<byte[], byte[]> record = new DeadLetterRecords("dead").of(letter);

    assertThat(record.topic()).isEqualTo("dead");
    assertThat(record.key()).isNull();
    assertThat(record.value()).isEqualTo(new byte[] {(byte) 0xFF});
    assertThat(record.timestamp()).isNull();
    assertThat(Arrays.stream(record.headers().toArray()).map(header -> header.key()))
        .containsExactly(
            "trace",
            "spanfold-reason",
            "spanfold-topic",
            "spanfold-partition",
            "spanfold-offset",
            "spanfold-error");
    assertThat(header(record, "spanfold-reason")).isEqualTo("invalid-json");
    assertThat(header(record, "spanfold-topic")).isEqualTo("ingest-spans");
    assertThat(header(record, "spanfold-partition")).isEqualTo("3");
    assertThat(header(record, "spanfold-offset")).isEqualTo("42");
    assertThat(header(record, "spanfold-error")).hasSize(1_003);
  }

  private static String header(ProducerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }

  private static SpanfoldConfig config(String... namesAndValues) {
    Map<String, String> options = new HashMap<>();
    options.put("kafka.bootstrap.servers", "broker:9092");
    options.put("redis.uri", "redis://unused");
    for (int i = 0; i < namesAndValues.length; i += 2) {
      options.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return SpanfoldConfig.of(Configuration.fromMap(options));
  }
}
