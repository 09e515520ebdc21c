package io.spanfold.job.serialization;

import io.spanfold.core.fold.EarlySpans;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class EarlySpansCodec implements Codec<EarlySpans> {

  private final SubsegmentCodec subsegments = new SubsegmentCodec();
  private final SpanColumnsCodec columns = new SpanColumnsCodec();

  @Override
  public void write(EarlySpans ahead, DataOutput out) throws IOException {
    subsegments.write(ahead.subsegment(), out);
    columns.write(ahead.spans(), out);
  }

  @Override
  public EarlySpans read(int version, DataInput in) throws IOException {
    return new EarlySpans(subsegments.read(version, in), columns.read(version, in));
  }
}
