package io.spanfold.job.serialization;

import io.spanfold.core.model.TraceKey;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** 24 bytes. Flink cannot migrate keys, so this form never changes. */
final class TraceKeyCodec implements Codec<TraceKey> {

  @Override
  public void write(TraceKey key, DataOutput out) throws IOException {
    out.writeLong(key.projectId());
    out.writeLong(key.traceHigh());
    out.writeLong(key.traceLow());
  }

  @Override
  public TraceKey read(int version, DataInput in) throws IOException {
    return new TraceKey(in.readLong(), in.readLong(), in.readLong());
  }
}
