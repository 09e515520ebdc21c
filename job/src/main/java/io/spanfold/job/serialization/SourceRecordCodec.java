package io.spanfold.job.serialization;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourceRecord;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

final class SourceRecordCodec implements Codec<SourceRecord> {

  private final DeadLetterCodec letters = new DeadLetterCodec();

  @Override
  public void write(SourceRecord source, DataOutput out) throws IOException {
    letters.write(source.rejected("", ""), out);
  }

  @Override
  public SourceRecord read(int version, DataInput in) throws IOException {
    DeadLetter letter = letters.read(version, in);
    return new SourceRecord(
        letter.topic(),
        letter.position().partition(),
        letter.position().offset(),
        letter.key(),
        letter.value(),
        letter.headers());
  }
}
