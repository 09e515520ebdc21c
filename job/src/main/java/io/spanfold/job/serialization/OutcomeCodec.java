package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.Outcome;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link Outcome}s. */
public final class OutcomeCodec implements Codec<Outcome> {

  private static final long serialVersionUID = 1L;

  private static final Outcome.Reason[] REASONS = Outcome.Reason.values();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(Outcome outcome, DataOutput out) throws IOException {
    VarInts.write(outcome.timestamp(), out);
    VarInts.write(outcome.organizationId(), out);
    VarInts.write(outcome.projectId(), out);
    out.writeByte(outcome.reason().ordinal());
    VarInts.write(outcome.quantity(), out);
  }

  @Override
  public Outcome read(int version, DataInput in) throws IOException {
    return new Outcome(
        VarInts.read(in),
        VarInts.read(in),
        VarInts.read(in),
        REASONS[in.readByte()],
        VarInts.read(in));
  }
}
