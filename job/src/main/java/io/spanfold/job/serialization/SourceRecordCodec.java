package io.spanfold.job.serialization;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourceRecord;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link SourceRecord}s; used only where the source is not chained to what parses. */
public final class SourceRecordCodec implements Codec<SourceRecord> {

  private static final long serialVersionUID = 1L;

  private final DeadLetterCodec letters = new DeadLetterCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(SourceRecord source, DataOutput out) throws IOException {
    letters.write(source.rejected("", ""), out);
  }

  @Override
  public SourceRecord read(int version, DataInput in) throws IOException {
    DeadLetter letter = letters.read(1, in);
    return new SourceRecord(
        letter.topic(),
        letter.partition(),
        letter.offset(),
        letter.key(),
        letter.value(),
        letter.headers());
  }
}
