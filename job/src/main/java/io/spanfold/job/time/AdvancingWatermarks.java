package io.spanfold.job.time;

import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.util.clock.Clock;
import org.apache.flink.util.clock.RelativeClock;

/**
 * The clock of one source split. While records arrive, the watermark follows the latest of them.
 * After a grace period in which none arrived although they could be read, the watermark advances
 * with time, so that a trace is flushed even if no record follows it. The grace period is never
 * caught up, so the watermark stays behind the timestamp of a record that is in flight.
 *
 * <p>Time is Flink's input activity clock, which stops while the split is blocked by backpressure.
 * The watermark does not advance either while nothing can be read: the broker is unreachable, the
 * gate is closed, or the task stalled and did not look. If the task is blocked most of the time, a
 * silent split would hold back the others, so it becomes idle after a minute without records.
 *
 * <p>A split that never had a record becomes idle as well. If it has something to read, as after a
 * restore with a backlog, the others wait for it first, because its records may be older.
 *
 * @param <T> the records
 */
public final class AdvancingWatermarks<T> implements WatermarkGenerator<T> {

  /** How long a split has nothing to read before its watermark advances, in milliseconds. */
  static final long GRACE_MILLIS = 3_000;

  /** How long a split has no records before it becomes idle, in milliseconds. */
  static final long SILENCE_MILLIS = 60_000;

  /** After so long without records although they could be read, there is no backlog. */
  static final long CERTAIN_MILLIS = 30_000;

  /** Calls are 200 ms apart; one that comes later than this means that the task stalled. */
  static final long STALL_MILLIS = 2_000;

  private final RelativeClock activity;
  private final Clock wallClock;
  private final ReadingStatus reading;
  private final ToIntFunction<T> partitionOf;
  private final ToLongFunction<T> offsetOf;

  private long latest = Long.MIN_VALUE;
  private int partition;
  private long next;

  /** Whether a record came since the last call. */
  private boolean recordCame;

  private long calledAt;

  /** How long no record has come although it could be read. */
  private long quiet;

  /** By how much the watermark is ahead of the latest record. */
  private long advanced;

  /** How long nothing could be read since the last record. */
  private long outage;

  private long silentSince;

  /**
   * Makes a generator.
   *
   * @param activity time in which the split was not blocked
   * @param wallClock time, whether or not the split was blocked
   * @param reading whether a record would arrive if there was one
   */
  public AdvancingWatermarks(
      RelativeClock activity,
      Clock wallClock,
      ReadingStatus reading,
      ToIntFunction<T> partitionOf,
      ToLongFunction<T> offsetOf) {
    this.activity = activity;
    this.wallClock = wallClock;
    this.reading = reading;
    this.partitionOf = partitionOf;
    this.offsetOf = offsetOf;
    calledAt = activity.relativeTimeMillis();
    silentSince = wallClock.relativeTimeMillis();
  }

  @Override
  public void onEvent(T record, long timestamp, WatermarkOutput output) {
    if (latest == Long.MIN_VALUE) {
      reading.recordCame(partitionOf.applyAsInt(record));
    }
    latest = Math.max(latest, timestamp);
    partition = partitionOf.applyAsInt(record);
    next = offsetOf.applyAsLong(record) + 1;
    recordCame = true;
  }

  @Override
  public void onPeriodicEmit(WatermarkOutput output) {
    long now = activity.relativeTimeMillis();
    long passed = now - calledAt;
    calledAt = now;
    if (recordCame) {
      recordCame = false;
      quiet = 0;
      advanced = 0;
      outage = 0;
      silentSince = wallClock.relativeTimeMillis();
    } else if (latest == Long.MIN_VALUE) {
      quiet = passed <= STALL_MILLIS && reading.canReadAll() ? quiet + passed : 0;
      if (quiet >= (reading.hasNothingNew() ? GRACE_MILLIS : CERTAIN_MILLIS)) {
        output.markIdle();
      }
      return;
    } else if (passed <= STALL_MILLIS && reading.canRead(partition)) {
      quiet += passed;
      advanced += Math.max(0, Math.min(passed, quiet - GRACE_MILLIS - outage));
    } else {
      // Records that were delayed get as much time to arrive once reading is possible: their
      // producers were cut off, too. A stalled task, as in a call to the broker, has not looked.
      quiet = 0;
      outage = Math.min(outage + passed, CERTAIN_MILLIS);
      silentSince = wallClock.relativeTimeMillis();
    }
    if (wallClock.relativeTimeMillis() - silentSince >= SILENCE_MILLIS
        && reading.isAtEnd(partition, next)) {
      output.markIdle();
      return;
    }
    // A watermark excludes further records of its own time, and more of the latest time may come.
    output.emitWatermark(new Watermark(latest - 1 + advanced));
  }
}
