package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadmeOptionsTest {

  private static final String START = "<!-- options:start -->\n";
  private static final String END = "<!-- options:end -->";

  @Test
  void readmeListsTheOptionsAsTheyAre() throws IOException {
    String readme = Files.readString(readme());
    assertThat(readme).containsOnlyOnce(START).containsOnlyOnce(END);

    String table = readme.substring(readme.indexOf(START) + START.length(), readme.indexOf(END));
    assertThat(table.strip())
        .as("the table between the markers in README.md; replace it by the expected text")
        .isEqualTo(OptionsTable.markdown().strip());
  }

  /** The tests run in the module's directory, or in the one above it when an IDE runs them. */
  private static Path readme() {
    Path above = Path.of("..", "README.md");
    return Files.exists(above) ? above : Path.of("README.md");
  }
}
