package io.spanfold.job.serialization;

import io.spanfold.core.model.StoredTrace;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link StoredTrace}s. */
public final class StoredTraceCodec implements Codec<StoredTrace> {

  private static final long serialVersionUID = 1L;

  private final TraceKeyCodec keys = new TraceKeyCodec();
  private final SpanColumnsCodec columns = new SpanColumnsCodec();
  private final SubsegmentCodec subsegments = new SubsegmentCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(StoredTrace trace, DataOutput out) throws IOException {
    keys.write(trace.trace(), out);
    columns.write(trace.spans(), out);
    Lists.write(trace.subsegments(), subsegments, out);
  }

  @Override
  public StoredTrace read(int version, DataInput in) throws IOException {
    return new StoredTrace(keys.read(1, in), columns.read(1, in), Lists.read(subsegments, 1, in));
  }
}
