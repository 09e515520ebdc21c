package io.spanfold.job.serialization;

import io.spanfold.core.model.TraceKey;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link TraceKey}s, 24 bytes each. Keys cannot evolve: this form is for good. */
public final class TraceKeyCodec implements Codec<TraceKey> {

  private static final long serialVersionUID = 1L;

  @Override
  public int version() {
    return 1;
  }

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
