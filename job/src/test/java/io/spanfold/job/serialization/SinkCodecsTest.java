package io.spanfold.job.serialization;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourcePosition;
import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class SinkCodecsTest {

  @Test
  void readsReceiptsAsTheyWereWritten() throws IOException {
    RoundTrip.check(new ReceiptCodec(), RandomModel::receipt);
  }

  @Test
  void readsDeadLettersAsTheyWereWritten() throws IOException {
    DeadLetter letter =
        new DeadLetter(
            null,
            new byte[] {(byte) 0xFF, 0},
            List.of(
                new DeadLetter.Header("a", null),
                new DeadLetter.Header("\u00e4", new byte[] {1}),
                new DeadLetter.Header("a", new byte[0])),
            "invalid-json",
            "ingest-spans",
            new SourcePosition(7, Long.MAX_VALUE, 3),
            "\u00e9".repeat(70_000));

    assertThat(roundTrip(new DeadLetterCodec(), letter))
        .usingRecursiveComparison()
        .isEqualTo(letter);
  }

  @Test
  void distinguishesAnEmptyValueFromNone() throws IOException {
    DeadLetter letter =
        new DeadLetter(
            new byte[0],
            null,
            List.of(),
            "tombstone",
            "ingest-spans",
            new SourcePosition(0, 0, 0),
            "");

    DeadLetter read = roundTrip(new DeadLetterCodec(), letter);

    assertThat(read.key()).isEmpty();
    assertThat(read.value()).isNull();
  }

  private static <T> T roundTrip(Codec<T> codec, T value) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    codec.write(value, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
    T read = codec.read(RoundTrip.VERSION, in);
    assertThat(in.available()).as("bytes left over").isZero();
    return read;
  }
}
