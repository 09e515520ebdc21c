package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class SpanCodec implements Codec<Span> {

  private final TraceKeyCodec keys = new TraceKeyCodec();

  @Override
  public void write(Span span, DataOutput out) throws IOException {
    keys.write(span.trace(), out);
    out.writeLong(span.spanId());
    out.writeLong(span.parentId());
    out.writeBoolean(span.root());
    out.writeLong(span.timestamp());
    VarInts.write(span.organizationId(), out);
    VarInts.write(span.partition(), out);
    VarInts.write(span.offset(), out);
    VarInts.write(span.index(), out);
    StampPoints points = span.stampPoints();
    VarInts.write(points.isSegmentStart(), out);
    VarInts.write(points.isSegmentEnd(), out);
    VarInts.write(points.segmentIdStart(), out);
    VarInts.write(points.segmentIdEnd(), out);
    out.writeByte(points.segmentIdEdit().code());
    VarInts.writeBytes(span.record(), out);
  }

  @Override
  public Span read(int version, DataInput in) throws IOException {
    return new Span(
        keys.read(version, in),
        in.readLong(),
        in.readLong(),
        in.readBoolean(),
        in.readLong(),
        VarInts.read(in),
        VarInts.readInt(in),
        VarInts.read(in),
        VarInts.readInt(in),
        new StampPoints(
            VarInts.readInt(in),
            VarInts.readInt(in),
            VarInts.readInt(in),
            VarInts.readInt(in),
            SegmentIdEdit.ofCode(in.readByte())),
        VarInts.readBytes(in));
  }
}
