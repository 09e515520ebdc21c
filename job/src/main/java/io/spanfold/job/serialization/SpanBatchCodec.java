package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Batches are in state while they are being written to Redis. */
final class SpanBatchCodec implements Codec<SpanBatch> {

  private final TraceSpansCodec traces = new TraceSpansCodec();

  @Override
  public void write(SpanBatch batch, DataOutput out) throws IOException {
    Generation generation = batch.generation();
    out.writeBoolean(generation != null);
    if (generation != null) {
      out.writeLong(generation.epoch());
      out.writeLong(generation.checkpoint());
    }
    Lists.write(batch.traces(), traces, out);
  }

  @Override
  public SpanBatch read(int version, DataInput in) throws IOException {
    Generation generation = in.readBoolean() ? new Generation(in.readLong(), in.readLong()) : null;
    return new SpanBatch(Lists.read(traces, version, in), generation);
  }

  private static final class TraceSpansCodec implements Codec<TraceSpans> {

    private final TraceKeyCodec keys = new TraceKeyCodec();
    private final SpanColumnsCodec columns = new SpanColumnsCodec();
    private final SubsegmentCodec subsegments = new SubsegmentCodec();

    @Override
    public void write(TraceSpans trace, DataOutput out) throws IOException {
      keys.write(trace.trace(), out);
      columns.write(trace.spans(), out);
      VarInts.write(trace.subsegments().size(), out);
      for (UnstoredSubsegment unstored : trace.subsegments()) {
        subsegments.write(unstored.subsegment(), out);
        VarInts.write(unstored.length(), out);
        for (long spanId : unstored.spanIds()) {
          out.writeLong(spanId);
        }
      }
      VarInts.writeBytes(trace.payload(), out);
    }

    @Override
    public TraceSpans read(int version, DataInput in) throws IOException {
      var trace = keys.read(version, in);
      var spans = columns.read(version, in);
      int count = VarInts.readInt(in);
      List<UnstoredSubsegment> unstored = new ArrayList<>(count);
      int offset = 0;
      for (int i = 0; i < count; i++) {
        var subsegment = subsegments.read(version, in);
        int length = VarInts.readInt(in);
        long[] spanIds = new long[subsegment.spanCount()];
        for (int j = 0; j < spanIds.length; j++) {
          spanIds[j] = in.readLong();
        }
        unstored.add(new UnstoredSubsegment(subsegment, offset, length, spanIds));
        offset += length;
      }
      return new TraceSpans(trace, spans, unstored, VarInts.readBytes(in));
    }
  }
}
