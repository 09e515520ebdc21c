package io.spanfold.local.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ArgumentsTest {

  private static final Set<String> KNOWN = Set.of("input", "parallelism", "web-port");

  @Test
  void readsValuesAfterASpaceAndAfterAnEqualsSign() {
    Arguments arguments =
        Arguments.parse(List.of("--input", "a b.jsonl", "--parallelism=3"), KNOWN);

    assertThat(arguments.file("input")).isEqualTo(Path.of("a b.jsonl"));
    assertThat(arguments.number("parallelism", 1, 1, 9)).isEqualTo(3);
    assertThat(arguments.port("web-port")).isEmpty();
  }

  @Test
  void keepsJobOptionsAfterTheDoubleDash() {
    Arguments arguments =
        Arguments.parse(
            List.of("--input", "i", "--", "--segment.timeout", "9 d", "--input"), KNOWN);

    assertThat(arguments.jobOptions()).containsExactly("--segment.timeout", "9 d", "--input");
  }

  @Test
  void refusesUnknownRepeatedAndIncompleteArguments() {
    assertThatThrownBy(() -> Arguments.parse(List.of("--in", "x"), KNOWN))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--in;")
        .hasMessageContaining("--input");
    assertThatThrownBy(() -> Arguments.parse(List.of("stray"), KNOWN))
        .isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> Arguments.parse(List.of("--input=a", "--input=b"), KNOWN))
        .hasMessage("--input is given twice");
    assertThatThrownBy(() -> Arguments.parse(List.of("--input", "--parallelism", "1"), KNOWN))
        .hasMessage("--input needs a value");
  }

  @Test
  void refusesNumbersOutOfRangeAndNamesTheRange() {
    Arguments arguments = Arguments.parse(List.of("--parallelism", "0", "--web-port=x"), KNOWN);

    assertThatThrownBy(() -> arguments.number("parallelism", 1, 1, 9))
        .hasMessage("--parallelism is a whole number from 1 to 9, not 0");
    assertThatThrownBy(() -> arguments.port("web-port")).hasMessageContaining("65535");
    assertThatThrownBy(() -> arguments.file("input")).hasMessage("--input is missing");
  }
}
