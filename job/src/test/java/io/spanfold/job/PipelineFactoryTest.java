package io.spanfold.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.SourceRecord;
import io.spanfold.job.config.SpanfoldConfig;
import java.util.ArrayList;
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

  private static SpanfoldConfig bounded() {
    return SpanfoldConfig.of(
        Configuration.fromMap(
            Map.of(
                "kafka.bootstrap.servers", "broker:9092",
                "redis.uri", "redis://redis",
                "source.bounded", "true")));
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
