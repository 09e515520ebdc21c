package io.spanfold.job.time;

import java.io.Serializable;
import java.time.Clock;
import org.apache.flink.api.common.eventtime.TimestampAssigner;

/**
 * The time of a record: its Kafka timestamp, but at most a minute ahead of the wall clock, so that
 * one producer whose clock is wrong cannot end everybody's deadlines. A record without a timestamp
 * is of now.
 *
 * @param <T> the records; their timestamps are those that the Kafka source gave them
 */
public final class RecordTime<T> implements TimestampAssigner<T>, Serializable {

  private static final long serialVersionUID = 1L;

  private static final long MAX_AHEAD_MILLIS = 60_000;

  private final Clock wall;

  /** Makes an assigner that takes the wall's time from {@code wall}. */
  public RecordTime(Clock wall) {
    this.wall = wall;
  }

  @Override
  public long extractTimestamp(T record, long kafkaTimestamp) {
    long now = wall.millis();
    return kafkaTimestamp < 0 ? now : Math.min(kafkaTimestamp, now + MAX_AHEAD_MILLIS);
  }
}
