package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.SpanColumns;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Row by row; times are distances from the row before. */
final class SpanColumnsCodec implements Codec<SpanColumns> {

  @Override
  public void write(SpanColumns spans, DataOutput out) throws IOException {
    VarInts.write(spans.size(), out);
    long previous = 0;
    for (int row = 0; row < spans.size(); row++) {
      out.writeLong(spans.spanId(row));
      out.writeBoolean(spans.root(row));
      if (!spans.root(row)) {
        out.writeLong(spans.parentId(row));
      }
      VarInts.writeSigned(spans.timestamp(row) - previous, out);
      previous = spans.timestamp(row);
      VarInts.write(spans.recordBytes(row), out);
      VarInts.write(spans.subsegment(row), out);
      VarInts.write(spans.index(row), out);
    }
  }

  @Override
  public SpanColumns read(int version, DataInput in) throws IOException {
    int size = VarInts.readInt(in);
    SpanColumns spans = new SpanColumns(size);
    long timestamp = 0;
    for (int row = 0; row < size; row++) {
      long spanId = in.readLong();
      boolean root = in.readBoolean();
      long parentId = root ? spanId : in.readLong();
      timestamp += VarInts.readSigned(in);
      spans.add(
          spanId,
          parentId,
          root,
          timestamp,
          VarInts.readInt(in),
          VarInts.readInt(in),
          VarInts.readInt(in));
    }
    return spans;
  }
}
