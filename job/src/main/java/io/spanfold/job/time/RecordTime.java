package io.spanfold.job.time;

import java.io.Serializable;
import java.time.Clock;
import org.apache.flink.api.common.eventtime.TimestampAssigner;

/**
 * The time of a record: its Kafka timestamp, but at most a minute ahead of the wall clock, so that
 * one producer with a wrong clock cannot trigger the deadlines of all others. A record without a
 * timestamp gets the current time.
 *
 * @param <T> the records, with the timestamps of the Kafka source
 */
public final class RecordTime<T> implements TimestampAssigner<T>, Serializable {

  private static final long serialVersionUID = 1L;

  private static final long MAX_AHEAD_MILLIS = 60_000;

  private final Clock wallClock;

  public RecordTime(Clock wallClock) {
    this.wallClock = wallClock;
  }

  @Override
  public long extractTimestamp(T record, long kafkaTimestamp) {
    long now = wallClock.millis();
    return kafkaTimestamp < 0 ? now : Math.min(kafkaTimestamp, now + MAX_AHEAD_MILLIS);
  }
}
