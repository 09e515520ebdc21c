package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.configuration.ConfigOption;
import org.junit.jupiter.api.Test;

class OptionsHelpTest {

  @Test
  void allOptionsAreListed() {
    List<Object> declared =
        Arrays.stream(SpanfoldOptions.class.getFields())
            .filter(field -> Modifier.isStatic(field.getModifiers()))
            .filter(field -> field.getType() == ConfigOption.class)
            .map(
                field -> {
                  try {
                    return field.get(null);
                  } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                  }
                })
            .toList();

    assertThat(List.<Object>copyOf(SpanfoldOptions.ALL)).hasSameElementsAs(declared);
  }

  @Test
  void helpDescribesEveryOptionWithinItsWidth() {
    String help = OptionsHelp.text();

    assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    for (ConfigOption<?> option : SpanfoldOptions.ALL) {
      assertThat(help).containsOnlyOnce("  --" + option.key() + "  [");
    }
    assertThat(help)
        .contains("--kafka.properties.*")
        .contains("--segment.timeout  [1 min]\n      How long after its last span")
        .contains("--sink.delivery-guarantee  [exactly-once]")
        .doesNotContain("&", "<");
  }
}
