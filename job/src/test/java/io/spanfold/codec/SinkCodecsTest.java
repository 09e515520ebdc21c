package io.spanfold.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.model.DeadLetter;
import io.spanfold.model.FlushReason;
import io.spanfold.model.FlushedPart.Receipt;
import io.spanfold.model.SourcePositions;
import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SinkCodecsTest {

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void readsReceiptsAsTheyWereWritten(long seed) throws IOException {
    Random random = new Random(seed);
    for (int i = 0; i < 50; i++) {
      Receipt receipt = receipt(random);

      assertThat(roundTrip(new ReceiptCodec(), receipt))
          .usingRecursiveComparison()
          .withEqualsForType(
              (a, b) -> Arrays.equals(a.encoded(), b.encoded()), SourcePositions.class)
          .isEqualTo(receipt);
    }
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
            7,
            Long.MAX_VALUE,
            "\u00e9".repeat(70_000));

    assertThat(roundTrip(new DeadLetterCodec(), letter))
        .usingRecursiveComparison()
        .isEqualTo(letter);
  }

  @Test
  void tellsAnEmptyValueFromNone() throws IOException {
    DeadLetter letter =
        new DeadLetter(new byte[0], null, List.of(), "tombstone", "ingest-spans", 0, 0, "");

    DeadLetter read = roundTrip(new DeadLetterCodec(), letter);

    assertThat(read.key()).isEmpty();
    assertThat(read.value()).isNull();
  }

  private static <T> T roundTrip(Codec<T> codec, T value) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    codec.write(value, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
    T read = codec.read(codec.version(), in);
    assertThat(in.available()).as("bytes left over").isZero();
    return read;
  }

  private static Receipt receipt(Random random) {
    List<String> flushIds = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      flushIds.add(String.format("%016x%016x", random.nextLong(), random.nextLong()));
    }
    List<Subsegment> subsegments = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      subsegments.add(
          new Subsegment(
              random.nextLong(),
              random.nextLong(),
              random.nextBoolean(),
              random.nextInt(Integer.MAX_VALUE),
              random.nextLong() >>> 1,
              random.nextInt(Integer.MAX_VALUE),
              random.nextInt(4),
              random.nextLong(),
              SourcePositions.of(
                  new int[] {1, 1, 2}, new long[] {5, 900, random.nextInt(1_000_000)})));
    }
    return new Receipt(
        new TraceKey(random.nextLong() >>> 1, random.nextLong(), random.nextLong()),
        random.nextLong(),
        random.nextInt(Integer.MAX_VALUE),
        FlushReason.values()[random.nextInt(FlushReason.values().length)],
        flushIds,
        subsegments,
        random.longs(random.nextInt(10)).toArray());
  }
}
