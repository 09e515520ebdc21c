package io.spanfold.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.job.config.SpanfoldConfig;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.Test;

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
  void fetchesWaitForAMegabyteOrAMomentUnlessKafkaPropertiesSayOtherwise() {
    assertThat(new PipelineFactory(config(Map.of())).sourceProperties())
        .containsEntry("fetch.min.bytes", "1048576")
        .containsEntry("fetch.max.wait.ms", "25");
    assertThat(
            new PipelineFactory(config(Map.of("kafka.properties.fetch.max.wait.ms", "500")))
                .sourceProperties())
        .containsEntry("fetch.max.wait.ms", "500");
  }

  private static SpanfoldConfig config(Map<String, String> options) {
    Map<String, String> all = new HashMap<>(options);
    all.put("kafka.bootstrap.servers", "broker:9092");
    all.put("redis.uri", "redis://redis");
    return SpanfoldConfig.of(Configuration.fromMap(all));
  }
}
