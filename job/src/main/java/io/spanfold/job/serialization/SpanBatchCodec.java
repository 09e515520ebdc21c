package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Batches are in state while they are being written to Redis. */
final class SpanBatchCodec implements Codec<SpanBatch> {

  private final TraceSpansCodec traces = new TraceSpansCodec();

  @Override
  public void write(SpanBatch batch, DataOutput out) throws IOException {
    Lists.write(batch.traces(), traces, out);
  }

  @Override
  public SpanBatch read(int version, DataInput in) throws IOException {
    return new SpanBatch(Lists.read(traces, version, in));
  }

  private static final class TraceSpansCodec implements Codec<TraceSpans> {

    private final TraceKeyCodec keys = new TraceKeyCodec();
    private final SpanColumnsCodec columns = new SpanColumnsCodec();
    private final UnstoredCodec subsegments = new UnstoredCodec();

    @Override
    public void write(TraceSpans trace, DataOutput out) throws IOException {
      keys.write(trace.trace(), out);
      columns.write(trace.spans(), out);
      Lists.write(trace.subsegments(), subsegments, out);
    }

    @Override
    public TraceSpans read(int version, DataInput in) throws IOException {
      return new TraceSpans(
          keys.read(version, in), columns.read(version, in), Lists.read(subsegments, version, in));
    }
  }

  private static final class UnstoredCodec implements Codec<UnstoredSubsegment> {

    private final SubsegmentCodec subsegments = new SubsegmentCodec();

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
      var subsegment = subsegments.read(version, in);
      byte[] payload = VarInts.readBytes(in);
      long[] spanIds = new long[subsegment.spanCount()];
      for (int i = 0; i < spanIds.length; i++) {
        spanIds[i] = in.readLong();
      }
      return new UnstoredSubsegment(subsegment, payload, spanIds);
    }
  }
}
