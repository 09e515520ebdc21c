package io.spanfold.job.serialization;

import io.spanfold.core.model.ClockSnapshot;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class ClockSnapshotCodec implements Codec<ClockSnapshot> {

  @Override
  public void write(ClockSnapshot clock, DataOutput out) throws IOException {
    out.writeLong(clock.watermark());
    out.writeLong(clock.latestRecord());
    out.writeLong(clock.wallClock());
  }

  @Override
  public ClockSnapshot read(int version, DataInput in) throws IOException {
    return new ClockSnapshot(in.readLong(), in.readLong(), in.readLong());
  }
}
