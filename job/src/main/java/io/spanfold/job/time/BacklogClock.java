package io.spanfold.job.time;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;

/**
 * The clock of one split of a bounded source: it is where the latest record is and never goes on by
 * itself, as a split that is not read at the moment is merely waiting for its turn.
 *
 * @param <T> the records
 */
public final class BacklogClock<T> implements WatermarkGenerator<T> {

  private long latest = Long.MIN_VALUE;

  @Override
  public void onEvent(T record, long timestamp, WatermarkOutput output) {
    latest = Math.max(latest, timestamp);
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    if (latest != Long.MIN_VALUE) {
      output.emitWatermark(new Watermark(latest - 1));
    }
  }
}
