package io.spanfold.job.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Flink's settings that break a promise are refused, each with a sentence of its own. */
class FlinkCheckTest {

  private final Configuration flink = new Configuration();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "execution.runtime-mode | BATCH | is BATCH, but the job commits with checkpoints",
        "execution.runtime-mode | AUTOMATIC | is AUTOMATIC, but the job commits with checkpoints",
        "execution.checkpointing.mode | AT_LEAST_ONCE | is AT_LEAST_ONCE, so a restored state",
        "execution.checkpointing.checkpoints-after-tasks-finish | false | is false, so the last",
        "pipeline.operator-chaining.enabled | false | is false, but the source",
        "pipeline.auto-watermark-interval | 0 ms | is 0 ms, but record time advances only when",
        "pipeline.auto-watermark-interval | 2 s | is 2 s, but record time advances only when",
        "execution.state-recovery.approximate-local-recovery | true | is true, so a failed task",
        "execution.state-recovery.without-channel-state.checkpoint-id | 7 | is 7, so the spans",
      })
  void aSettingThatBreaksAPromiseIsRefused(String setting, String value, String sentence) {
    flink.setString(setting, value);

    assertThat(check().problems())
        .singleElement()
        .asString()
        .startsWith(setting + " " + sentence)
        .matches(".*; (set it to|leave it out).*\\.");
  }

  @Test
  void allProblemsAreReportedAtOnce() {
    flink.setString("execution.runtime-mode", "BATCH");
    flink.setString("pipeline.operator-chaining.enabled", "false");

    assertThat(check().problems()).hasSize(2);
  }

  /** Names that Flink has renamed are still in many configuration files. */
  @Test
  void formerNamesOfSettingsAreKnown() {
    flink.setString("pipeline.operator-chaining", "false");
    flink.setString("execution.checkpointing.approximate-local-recovery", "true");

    assertThat(check().problems()).hasSize(2);
  }

  @Test
  void flinksDefaultsAreAccepted() {
    assertThat(check().problems()).isEmpty();
  }

  @Test
  void settingsThatAreTestedAreAccepted() {
    flink.setString("execution.runtime-mode", "STREAMING");
    flink.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    flink.setString("execution.checkpointing.interval", "1 min");
    flink.setString("execution.checkpointing.unaligned.enabled", "true");
    flink.setString("pipeline.auto-watermark-interval", "50 ms");

    assertThat(check().problems()).isEmpty();
  }

  @Test
  void checkpointsInTheMemoryOfTheJobManagerAreAWarning() {
    assertThat(check().warnings())
        .singleElement()
        .asString()
        .startsWith("execution.checkpointing.dir is not set here");

    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "s3://bucket/checkpoints");
    assertThat(check().warnings()).isEqualTo(List.of());
  }

  @Test
  void theDocumentationListsTheSettings() throws IOException {
    Path docs = Path.of(Files.exists(Path.of("docs")) ? "" : "..", "docs/configuration.md");
    String section = Files.readString(docs).split("\n## Flink's settings\n", 2)[1];
    List<String> documented =
        section
            .substring(0, section.indexOf("\n## "))
            .lines()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.split("`", 3)[1])
            .toList();

    assertThat(documented)
        .containsExactlyElementsOf(FlinkCheck.RULES.stream().map(r -> r.option().key()).toList());
  }

  private CheckReport check() {
    CheckReport report = new CheckReport();
    new FlinkCheck(flink, report).run();
    return report;
  }
}
