package io.spanfold.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class KafkaClientPropertiesTest {

  @Test
  void producersAcceptTheLargestRecordThatTheJobMakes() {
    KafkaSettings kafka = kafka(Map.of("transaction.timeout.ms", "900000"));

    assertThat(KafkaClientProperties.producer(kafka, 10_000_000))
        .containsEntry("max.request.size", "10065536")
        .containsEntry("buffer.memory", "33554432")
        .containsEntry("transaction.timeout.ms", "900000")
        .containsEntry("bootstrap.servers", "broker:9092");
    assertThat(KafkaClientProperties.producer(kafka, 40_000_000))
        .containsEntry("buffer.memory", "80131072");
  }

  @Test
  void producersHaveTheUsersPropertiesUnlessTheseAreTooSmall() {
    KafkaSettings kafka =
        kafka(
            Map.of(
                "compression.type", "snappy",
                "max.request.size", "1000",
                "buffer.memory", "99999999"));

    assertThat(KafkaClientProperties.producer(kafka, 1_000_000))
        .containsEntry("compression.type", "snappy")
        .containsEntry("max.request.size", "1065536")
        .containsEntry("buffer.memory", "99999999");
  }

  @Test
  void consumersBelongToNoGroupAndCommitNothingWithAnyUserProperties() {
    KafkaSettings kafka =
        kafka(
            Map.of(
                "group.id", "users",
                "group.instance.id", "users-1",
                "enable.auto.commit", "true",
                "isolation.level", "read_uncommitted",
                "security.protocol", "SSL"));

    Properties properties = KafkaClientProperties.consumer(kafka, "read_committed", "none");

    assertThat(properties)
        .containsEntry("bootstrap.servers", "broker:9092")
        .containsEntry("security.protocol", "SSL")
        .containsEntry("enable.auto.commit", "false")
        .containsEntry("allow.auto.create.topics", "false")
        .containsEntry("isolation.level", "read_committed")
        .containsEntry("auto.offset.reset", "none")
        .doesNotContainKeys("group.id", "group.instance.id");
  }

  private static KafkaSettings kafka(Map<String, String> properties) {
    return new KafkaSettings("broker:9092", properties);
  }
}
