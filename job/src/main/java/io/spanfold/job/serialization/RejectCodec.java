package io.spanfold.job.serialization;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.TalliedOutcome;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link Reject}s: a byte for the kind, then the form of that kind. */
final class RejectCodec implements Codec<Reject> {

  private static final int DEAD_LETTER = 1;
  private static final int OUTCOME = 2;

  private final DeadLetterCodec letters = new DeadLetterCodec();
  private final TalliedOutcomeCodec outcomes = new TalliedOutcomeCodec();

  @Override
  public void write(Reject reject, DataOutput out) throws IOException {
    if (reject instanceof DeadLetter letter) {
      out.writeByte(DEAD_LETTER);
      letters.write(letter, out);
    } else {
      out.writeByte(OUTCOME);
      outcomes.write((TalliedOutcome) reject, out);
    }
  }

  @Override
  public Reject read(int version, DataInput in) throws IOException {
    int kind = in.readByte();
    return switch (kind) {
      case DEAD_LETTER -> letters.read(version, in);
      case OUTCOME -> outcomes.read(version, in);
      default -> throw new IOException("unknown kind of reject: " + kind);
    };
  }
}
