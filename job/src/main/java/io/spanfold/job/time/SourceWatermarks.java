package io.spanfold.job.time;

import io.spanfold.core.model.SourceRecord;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.util.clock.RelativeClock;

/**
 * Emits the time of a source subtask. Flink makes a generator for the subtask and one for each
 * partition, and takes the lowest watermark of the latter. All of them emit the same, so that the
 * rules between partitions are in one place, {@link SourceClock}.
 */
public final class SourceWatermarks implements WatermarkGenerator<SourceRecord> {

  private final SourceClock clock;

  /**
   * @param activity stands while the task is blocked by its output
   */
  public SourceWatermarks(SourceClock clock, RelativeClock activity) {
    this.clock = clock;
    clock.activity(activity);
  }

  @Override
  public void onEvent(SourceRecord record, long time, WatermarkOutput output) {
    clock.emitted(record.partition(), record.offset(), time);
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    clock.emit(output);
  }
}
