package io.spanfold.local.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.local.flink.SubmittedJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs the chaos command in a process for three minutes. */
class ChaosITCase {

  @TempDir private Path files;

  @Test
  @Timeout(value = 8, unit = TimeUnit.MINUTES)
  void everySpanIsEmittedOnceOrReportedDespiteKilledProcessesAWipedRedisAndRetention()
      throws Exception {
    Path output = files.resolve("output");

    int code =
        run(
            output,
            "chaos",
            "--minutes",
            "2",
            "--seed",
            "1",
            "--faults",
            "taskmanager,wipe,rescale,retention");

    List<String> lines = Files.readAllLines(output);
    System.out.println(String.join("\n", lines));
    assertThat(code).isZero();
    assertThat(lines)
        .anyMatch(line -> line.matches(row("taskmanager")))
        .anyMatch(line -> line.matches(row("wipe")))
        .anyMatch(line -> line.matches(row("rescale")))
        .anyMatch(line -> line.matches(row("retention")));
    try (var left = Files.list(files)) {
      assertThat(left).containsExactly(output);
    }
  }

  /** A row of the table without a flaw. */
  private static String row(String fault) {
    return "\\| %s \\| \\d+ \\| [\\d.]+ \\| \\d+ \\| 0 \\| 0 \\| 0 \\| 0 \\|".formatted(fault);
  }

  /** Starts this build like deploy/local.sh. */
  private int run(Path output, String... arguments) throws IOException, InterruptedException {
    Path jar = SubmittedJob.jar();
    Path target = jar.getParent().getParent();
    // The directory's name contains the id of the process, which is at first a shell.
    String script =
        """
        run="$1/spanfold-local-$$-it"; mkdir "$run"; shift
        exec "$JAVA" -Xmx1g -XX:+UseSerialGC -Dspanfold.job.jar="$JAR" \\
          -Djava.io.tmpdir="$run" -Dspanfold.run.directory="$run" \\
          -cp "$TARGET/classes:$TARGET/lib/*" io.spanfold.local.Main "$@"
        """;
    List<String> command = new ArrayList<>(List.of("bash", "-c", script, "run", files.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder
        .environment()
        .put("JAVA", Path.of(System.getProperty("java.home"), "bin/java").toString());
    builder.environment().put("JAR", jar.toString());
    builder.environment().put("TARGET", target.toString());
    Process process = builder.start();
    try {
      return process.waitFor();
    } finally {
      process.destroy();
    }
  }
}
