package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Outcome;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class OutcomeCodec implements Codec<Outcome> {

  @Override
  public void write(Outcome outcome, DataOutput out) throws IOException {
    VarInts.write(outcome.timestamp(), out);
    VarInts.write(outcome.organizationId(), out);
    VarInts.write(outcome.projectId(), out);
    out.writeByte(outcome.reason().code());
    VarInts.write(outcome.quantity(), out);
  }

  @Override
  public Outcome read(int version, DataInput in) throws IOException {
    return new Outcome(
        VarInts.read(in),
        VarInts.read(in),
        VarInts.read(in),
        Outcome.Reason.ofCode(in.readByte()),
        VarInts.read(in));
  }
}
