package io.spanfold.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.SourceRecord;
import io.spanfold.job.config.SpanfoldConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.Test;

class PipelineFactoryTest {

  private static final SourceRecord RECORD =
      new SourceRecord("spans", 0, 0, null, new byte[0], List.of());

  @Test
  void clockOfABoundedSourceFollowsTheLatestRecordOnly() {
    List<Watermark> watermarks = new ArrayList<>();
    WatermarkOutput output = collect(watermarks);
    WatermarkGenerator<SourceRecord> clock =
        new PipelineFactory(bounded()).clock().createWatermarkGenerator(null);

    clock.onEvent(RECORD, 5_000, output);
    clock.onEvent(RECORD, 3_000, output);
    clock.onPeriodicEmit(output);
    clock.onPeriodicEmit(output);

    assertThat(watermarks).containsExactly(new Watermark(4_999), new Watermark(4_999));
  }

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

  private static SpanfoldConfig bounded() {
    return config(Map.of("source.bounded", "true"));
  }

  private static SpanfoldConfig config(Map<String, String> options) {
    Map<String, String> all = new HashMap<>(options);
    all.put("kafka.bootstrap.servers", "broker:9092");
    all.put("redis.uri", "redis://redis");
    return SpanfoldConfig.of(Configuration.fromMap(all));
  }

  private static WatermarkOutput collect(List<Watermark> watermarks) {
    return new WatermarkOutput() {
      @Override
      public void emitWatermark(Watermark watermark) {
        watermarks.add(watermark);
      }

      @Override
      public void markIdle() {
        throw new AssertionError("never idle");
      }

      @Override
      public void markActive() {}
    };
  }
}
