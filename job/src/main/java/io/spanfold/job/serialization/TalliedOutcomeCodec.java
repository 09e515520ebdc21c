package io.spanfold.job.serialization;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.TalliedOutcome;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class TalliedOutcomeCodec implements Codec<TalliedOutcome> {

  private final OutcomeCodec outcomes = new OutcomeCodec();

  @Override
  public void write(TalliedOutcome tallied, DataOutput out) throws IOException {
    VarInts.writeBytes(tallied.id().getBytes(US_ASCII), out);
    outcomes.write(tallied.outcome(), out);
  }

  @Override
  public TalliedOutcome read(int version, DataInput in) throws IOException {
    return new TalliedOutcome(
        new String(VarInts.readBytes(in), US_ASCII), outcomes.read(version, in));
  }
}
