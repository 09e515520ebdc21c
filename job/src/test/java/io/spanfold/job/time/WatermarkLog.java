package io.spanfold.job.time;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkOutput;

/** Records what a generator emits. */
final class WatermarkLog implements WatermarkOutput {

  final List<Long> watermarks = new ArrayList<>();
  int idle;

  long last() {
    return watermarks.get(watermarks.size() - 1);
  }

  @Override
  public void emitWatermark(Watermark watermark) {
    watermarks.add(watermark.getTimestamp());
  }

  @Override
  public void markIdle() {
    idle++;
  }

  @Override
  public void markActive() {}
}
