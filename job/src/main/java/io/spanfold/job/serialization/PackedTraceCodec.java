package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** The bytes of a trace begin with their version, because Flink sees them only as bytes. */
final class PackedTraceCodec implements Codec<PackedTrace> {

  @Override
  public void write(PackedTrace trace, DataOutput out) throws IOException {
    VarInts.writeBytes(trace.write(), out);
  }

  @Override
  public PackedTrace read(int version, DataInput in) throws IOException {
    PackedTrace trace = new PackedTrace();
    trace.read(VarInts.readBytes(in));
    return trace;
  }
}
