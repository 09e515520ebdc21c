package io.spanfold.clock;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.util.clock.RelativeClock;

/**
 * The clock of one source split. While records come it is where the latest of them is. When none
 * have come for a while it goes on by itself, so that a trace is flushed though nothing follows it;
 * the time that it waits before that is never made up for, so it stays behind what a record that is
 * on its way may carry.
 *
 * <p>It goes by Flink's input activity clock, which stands still while the split is held back by
 * back-pressure. A split that never had a record says that it is idle, so that it does not hold the
 * others back.
 *
 * @param <T> the records
 */
public final class SplitClock<T> implements WatermarkGenerator<T> {

  /** How long a split has nothing to read before its clock goes on by itself, in milliseconds. */
  static final long GRACE_MILLIS = 3_000;

  private final RelativeClock activity;

  private long latest = Long.MIN_VALUE;
  private long quietSince;

  /** Makes a clock that takes the time it has nothing to read from {@code activity}. */
  public SplitClock(RelativeClock activity) {
    this.activity = activity;
    quietSince = activity.relativeTimeMillis();
  }

  @Override
  public void onEvent(T record, long timestamp, WatermarkOutput output) {
    latest = Math.max(latest, timestamp);
    quietSince = activity.relativeTimeMillis();
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    long quiet = activity.relativeTimeMillis() - quietSince;
    if (latest == Long.MIN_VALUE) {
      if (quiet >= GRACE_MILLIS) {
        output.markIdle();
      }
      return;
    }
    // A watermark promises that nothing of its own time or before comes; of the latest time more
    // may come.
    long goneOn = Math.max(0, quiet - GRACE_MILLIS);
    output.emitWatermark(new Watermark(latest - 1 + goneOn));
  }
}
