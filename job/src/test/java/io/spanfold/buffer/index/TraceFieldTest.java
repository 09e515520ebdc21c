package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.TraceKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceFieldTest {

  @ParameterizedTest
  @CsvSource({"0, 0, 1", "42, -1, -1", "9223372036854775807, 3544952156018063160, 0"})
  void isReadAsTheTraceItWasMadeOf(long project, long high, long low) {
    TraceKey trace = new TraceKey(project, high, low);
    assertThat(TraceField.trace(TraceField.of(trace))).contains(trace);
  }

  @Test
  void beginsWithTheBytesOfTheTraceId() {
    assertThat(TraceField.of(new TraceKey(12, 0x4142434445464748L, 0x494A4B4C4D4E4F50L)))
        .isEqualTo("ABCDEFGHIJKLMNOP12".getBytes(ISO_8859_1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "ABCDEFGHIJKLMNOP",
        "ABCDEFGHIJKLMNOP-1",
        "ABCDEFGHIJKLMNOP1 ",
        "ABCDEFGHIJKLMNOP9223372036854775808",
        "ABCDEFGHIJKLMNOP00000000000000000001"
      })
  void otherFieldsAreNoTraces(String field) {
    assertThat(TraceField.trace(field.getBytes(ISO_8859_1))).isEmpty();
  }
}
