package io.spanfold.codec;

import io.spanfold.fold.SpansAhead;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes the fold's {@link SpansAhead}. */
public final class SpansAheadCodec implements Codec<SpansAhead> {

  private static final long serialVersionUID = 1L;

  private final SubsegmentCodec subsegments = new SubsegmentCodec();
  private final SpanColumnsCodec columns = new SpanColumnsCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(SpansAhead ahead, DataOutput out) throws IOException {
    subsegments.write(ahead.subsegment(), out);
    columns.write(ahead.spans(), out);
  }

  @Override
  public SpansAhead read(int version, DataInput in) throws IOException {
    return new SpansAhead(subsegments.read(1, in), columns.read(1, in));
  }
}
