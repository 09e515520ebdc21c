package io.spanfold.job.time;

import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.util.clock.Clock;
import org.apache.flink.util.clock.RelativeClock;

/**
 * The clock of one source split. While records come it is where the latest of them is. When none
 * have come for a while, and would come if there were any, it goes on by itself, so that a trace is
 * flushed though nothing follows it; the time that it waits before that is never made up for, so it
 * stays behind what a record that is on its way may carry.
 *
 * <p>It goes by Flink's input activity clock, which stands still while the split is held back by
 * back-pressure, and it stands still itself while nothing can be read: the broker is away, or the
 * gate is closed, or the task itself stood still and did not look. So that a silent split does not
 * hold the others back for ever where the task is held back most of the time, it says that it is
 * idle once it has had nothing for a minute.
 *
 * <p>A split that never had a record says that it is idle, too; but where there is something to
 * read, as after a restore with a backlog, others wait for it, as its records may be older.
 *
 * @param <T> the records
 */
public final class AdvancingWatermarks<T> implements WatermarkGenerator<T> {

  /** How long a split has nothing to read before its clock goes on by itself, in milliseconds. */
  static final long GRACE_MILLIS = 3_000;

  /** How long a split has nothing before the others go on without it, in milliseconds. */
  static final long SILENCE_MILLIS = 60_000;

  /** After such a silence of what can be read nobody expects a backlog any more. */
  static final long CERTAIN_MILLIS = 30_000;

  /** Looks are five times a second, unless the task stands still. */
  static final long STALL_MILLIS = 2_000;

  private final RelativeClock activity;
  private final Clock wall;
  private final ReadingStatus reading;
  private final ToIntFunction<T> partitionOf;
  private final ToLongFunction<T> offsetOf;

  private long latest = Long.MIN_VALUE;
  private int partition;
  private long next;

  /** Whether a record has come since the last look. */
  private boolean heard;

  private long lookedAt;
  private long quiet;
  private long goneOn;

  /** For how long nothing could be read since the last record. */
  private long outage;

  private long silentSince;

  /**
   * Makes a clock.
   *
   * @param activity the time that the split was not held back
   * @param wall the time that passes in any case
   * @param reading whether a record would come if there was one
   * @param partitionOf a record's partition
   * @param offsetOf a record's offset there
   */
  public AdvancingWatermarks(
      RelativeClock activity,
      Clock wall,
      ReadingStatus reading,
      ToIntFunction<T> partitionOf,
      ToLongFunction<T> offsetOf) {
    this.activity = activity;
    this.wall = wall;
    this.reading = reading;
    this.partitionOf = partitionOf;
    this.offsetOf = offsetOf;
    lookedAt = activity.relativeTimeMillis();
    silentSince = wall.relativeTimeMillis();
  }

  @Override
  public void onEvent(T record, long timestamp, WatermarkOutput output) {
    if (latest == Long.MIN_VALUE) {
      reading.heard(partitionOf.applyAsInt(record));
    }
    latest = Math.max(latest, timestamp);
    partition = partitionOf.applyAsInt(record);
    next = offsetOf.applyAsLong(record) + 1;
    heard = true;
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    long now = activity.relativeTimeMillis();
    long passed = now - lookedAt;
    lookedAt = now;
    if (heard) {
      heard = false;
      quiet = 0;
      goneOn = 0;
      outage = 0;
      silentSince = wall.relativeTimeMillis();
    } else if (latest == Long.MIN_VALUE) {
      quiet = passed <= STALL_MILLIS && reading.canReadAll() ? quiet + passed : 0;
      if (quiet >= (reading.hasNothingNew() ? GRACE_MILLIS : CERTAIN_MILLIS)) {
        output.markIdle();
      }
      return;
    } else if (passed <= STALL_MILLIS && reading.canRead(partition)) {
      quiet += passed;
      goneOn += Math.max(0, Math.min(passed, quiet - GRACE_MILLIS - outage));
    } else {
      // What waited meanwhile has its own time to come, once it can be read: its producers were cut
      // off for as long. A task that stood still, as in a call to the broker, has not looked.
      quiet = 0;
      outage = Math.min(outage + passed, CERTAIN_MILLIS);
      silentSince = wall.relativeTimeMillis();
    }
    if (wall.relativeTimeMillis() - silentSince >= SILENCE_MILLIS
        && reading.isAtEnd(partition, next)) {
      output.markIdle();
      return;
    }
    // A watermark promises that nothing of its own time or before comes; of the latest time more
    // may come.
    output.emitWatermark(new Watermark(latest - 1 + goneOn));
  }
}
