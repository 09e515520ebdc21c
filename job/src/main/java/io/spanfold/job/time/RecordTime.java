package io.spanfold.job.time;

import io.spanfold.core.model.SourceRecord;
import org.apache.flink.api.common.eventtime.TimestampAssigner;

/** Assigns the record time of docs/time.md. */
public final class RecordTime implements TimestampAssigner<SourceRecord> {

  private final SourceClock clock;

  public RecordTime(SourceClock clock) {
    this.clock = clock;
  }

  @Override
  public long extractTimestamp(SourceRecord record, long kafkaTimestamp) {
    return clock.timeOf(record.partition(), kafkaTimestamp);
  }
}
