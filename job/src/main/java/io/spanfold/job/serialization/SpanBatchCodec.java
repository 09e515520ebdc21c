package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link SpanBatch}s: into the checkpoint, while they are on their way to Redis. */
public final class SpanBatchCodec implements Codec<SpanBatch> {

  private static final long serialVersionUID = 1L;

  private final TraceSpansCodec traces = new TraceSpansCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(SpanBatch batch, DataOutput out) throws IOException {
    Lists.write(batch.traces(), traces, out);
  }

  @Override
  public SpanBatch read(int version, DataInput in) throws IOException {
    return new SpanBatch(Lists.read(traces, 1, in));
  }

  private static final class TraceSpansCodec implements Codec<TraceSpans> {

    private static final long serialVersionUID = 1L;

    private final TraceKeyCodec keys = new TraceKeyCodec();
    private final SpanColumnsCodec columns = new SpanColumnsCodec();
    private final UnstoredCodec subsegments = new UnstoredCodec();

    @Override
    public int version() {
      return 1;
    }

    @Override
    public void write(TraceSpans trace, DataOutput out) throws IOException {
      keys.write(trace.trace(), out);
      columns.write(trace.spans(), out);
      Lists.write(trace.subsegments(), subsegments, out);
    }

    @Override
    public TraceSpans read(int version, DataInput in) throws IOException {
      return new TraceSpans(keys.read(1, in), columns.read(1, in), Lists.read(subsegments, 1, in));
    }
  }

  private static final class UnstoredCodec implements Codec<UnstoredSubsegment> {

    private static final long serialVersionUID = 1L;

    private final SubsegmentCodec subsegments = new SubsegmentCodec();

    @Override
    public int version() {
      return 1;
    }

    @Override
    public void write(UnstoredSubsegment unstored, DataOutput out) throws IOException {
      subsegments.write(unstored.subsegment(), out);
      VarInts.writeBytes(unstored.payload(), out);
      for (long spanId : unstored.spanIds()) {
        out.writeLong(spanId);
      }
    }

    @Override
    public UnstoredSubsegment read(int version, DataInput in) throws IOException {
      var subsegment = subsegments.read(1, in);
      byte[] payload = VarInts.readBytes(in);
      long[] spanIds = new long[subsegment.spanCount()];
      for (int i = 0; i < spanIds.length; i++) {
        spanIds[i] = in.readLong();
      }
      return new UnstoredSubsegment(subsegment, payload, spanIds);
    }
  }
}
