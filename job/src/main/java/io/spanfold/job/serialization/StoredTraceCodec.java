package io.spanfold.job.serialization;

import io.spanfold.core.model.StoredTrace;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class StoredTraceCodec implements Codec<StoredTrace> {

  private final TraceKeyCodec keys = new TraceKeyCodec();
  private final SpanColumnsCodec columns = new SpanColumnsCodec();
  private final SubsegmentCodec subsegments = new SubsegmentCodec();

  @Override
  public void write(StoredTrace trace, DataOutput out) throws IOException {
    keys.write(trace.trace(), out);
    columns.write(trace.spans(), out);
    subsegments.writeList(trace.subsegments(), out);
  }

  @Override
  public StoredTrace read(int version, DataInput in) throws IOException {
    return new StoredTrace(
        keys.read(version, in), columns.read(version, in), subsegments.readList(version, in));
  }
}
