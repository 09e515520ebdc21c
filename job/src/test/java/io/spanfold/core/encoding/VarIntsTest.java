package io.spanfold.core.encoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VarIntsTest {

  @ParameterizedTest
  @CsvSource({
    "0,1",
    "1,1",
    "127,1",
    "128,2",
    "16383,2",
    "16384,3",
    "2147483647,5",
    "9223372036854775807,9",
    "-1,10",
    "-9223372036854775808,10"
  })
  void writesUnsignedNumbersInAsFewBytesAsTheyNeed(long value, int bytes) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    VarInts.write(value, out);

    assertThat(out.length()).isEqualTo(bytes);
    assertThat(VarInts.read(input(out))).isEqualTo(value);

    ByteBuffer buffer = ByteBuffer.allocate(16);
    VarInts.write(value, buffer);
    assertThat(Arrays.copyOf(buffer.array(), buffer.position())).isEqualTo(out.getCopyOfBuffer());
    assertThat(VarInts.read(buffer.flip())).isEqualTo(value);
    assertThat(buffer.hasRemaining()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "0,1",
    "-1,1",
    "1,1",
    "-64,1",
    "64,2",
    "-65,2",
    "9223372036854775807,10",
    "-9223372036854775808,10"
  })
  void writesNumbersNearZeroOfEitherSignInFewBytes(long value, int bytes) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    VarInts.writeSigned(value, out);

    assertThat(out.length()).isEqualTo(bytes);
    assertThat(VarInts.readSigned(input(out))).isEqualTo(value);
  }

  @Test
  void refusesDamagedNumbers() throws IOException {
    byte[] endless = new byte[11];
    Arrays.fill(endless, (byte) 0x80);
    assertThatThrownBy(() -> VarInts.read(new DataInputDeserializer(endless)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("damaged");
    for (int length : new int[] {0, 3, 11}) {
      assertThatThrownBy(() -> VarInts.read(ByteBuffer.wrap(endless, 0, length)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("damaged");
    }

    DataOutputSerializer out = new DataOutputSerializer(16);
    VarInts.write(1L << 31, out);
    assertThatThrownBy(() -> VarInts.readInt(input(out)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("2147483648");
  }

  private static DataInputDeserializer input(DataOutputSerializer out) {
    return new DataInputDeserializer(out.getCopyOfBuffer());
  }
}
