package io.spanfold.job.serialization;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.SpanColumns;
import java.io.IOException;
import java.util.function.Function;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** Writes random values and reads them again, several in a row as streams have them. */
final class RoundTrip {

  static final int VERSION = 1;

  private static final int SEEDS = 200;

  private RoundTrip() {}

  static <T> void check(Codec<T> codec, Function<RandomModel, T> values) throws IOException {
    for (long seed = 0; seed < SEEDS; seed++) {
      RandomModel random = new RandomModel(seed);
      T first = values.apply(random);
      T second = values.apply(random);
      DataOutputSerializer out = new DataOutputSerializer(64);
      codec.write(first, out);
      codec.write(second, out);
      DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

      assertSame(codec.read(VERSION, in), first, seed);
      assertSame(codec.read(VERSION, in), second, seed);
      assertThat(in.available()).as("bytes left over, seed %d", seed).isZero();
    }
  }

  private static <T> void assertSame(T read, T written, long seed) {
    assertThat(read)
        .as("seed %d", seed)
        .usingRecursiveComparison()
        .withEqualsForType(RoundTrip::sameRows, SpanColumns.class)
        .isEqualTo(written);
  }

  /** Columns may have room for different numbers of rows. */
  private static boolean sameRows(SpanColumns one, SpanColumns other) {
    return rows(one).equals(rows(other));
  }

  private static String rows(SpanColumns spans) {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < spans.size(); i++) {
      rows.append(
          "%x %x %b %d %d %d %d%n"
              .formatted(
                  spans.spanId(i),
                  spans.parentId(i),
                  spans.root(i),
                  spans.timestamp(i),
                  spans.recordBytes(i),
                  spans.subsegment(i),
                  spans.index(i)));
    }
    return rows.toString();
  }
}
