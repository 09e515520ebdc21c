package io.spanfold.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.job.config.SpanfoldConfig;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PipelineFactoryTest {

  @Test
  void looksForNewPartitionsEveryTenSecondsUnlessKafkaPropertiesSayOtherwise() {
    String name = "partition.discovery.interval.ms";

    assertThat(new PipelineFactory(config(Map.of())).sourceProperties())
        .containsEntry(name, "10000");
    assertThat(
            new PipelineFactory(config(Map.of("kafka.properties." + name, "1234")))
                .sourceProperties())
        .containsEntry(name, "1234");
  }

  @Test
  void fetchesWaitForRecordsThatComeTogether() {
    assertThat(new PipelineFactory(config(Map.of())).sourceProperties())
        .containsEntry("fetch.min.bytes", "65536")
        .containsEntry("fetch.max.wait.ms", "100");
  }

  @ParameterizedTest
  @ValueSource(strings = {"fetch.min.bytes", "fetch.max.wait.ms", "max.partition.fetch.bytes"})
  void fetchesAreLeftToKafkaPropertiesThatHaveOneOfTheirOptions(String name) {
    assertThat(
            new PipelineFactory(config(Map.of("kafka.properties." + name, "7"))).sourceProperties())
        .containsEntry(name, "7")
        .doesNotContainValue("65536")
        .doesNotContainValue("100");
  }

  private static SpanfoldConfig config(Map<String, String> options) {
    Map<String, String> all = new HashMap<>(options);
    all.put("kafka.bootstrap.servers", "broker:9092");
    all.put("redis.uri", "redis://redis");
    return SpanfoldConfig.of(Configuration.fromMap(all));
  }
}
