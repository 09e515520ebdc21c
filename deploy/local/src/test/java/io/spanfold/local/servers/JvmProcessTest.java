package io.spanfold.local.servers;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JvmProcessTest {

  @TempDir private Path files;

  /** Prints the locale that it runs in. */
  static final class PrintLocale {
    private PrintLocale() {}

    public static void main(String[] args) {
      System.out.print(Locale.getDefault().toLanguageTag());
    }
  }

  /** The options are for what the environment of a machine may set, as JAVA_TOOL_OPTIONS does. */
  @Test
  void theLocaleOfTheMachineDoesNotReachTheServers() throws IOException {
    try (RunDirectory directory = RunDirectory.create(files);
        JvmProcess process =
            JvmProcess.startPiped(
                directory,
                "locale",
                List.of("-Duser.language=tr", "-Duser.country=TR"),
                List.of(PrintLocale.class.getName()))) {
      assertThat(new String(process.output().readAllBytes(), US_ASCII)).isEqualTo("en-US");
    }
  }
}
