package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobArgumentsTest {

  @TempDir Path directory;

  @Test
  void readsBothFormsOfArguments() {
    JobArguments arguments =
        JobArguments.parse(
            "--segment.timeout", "3 s", "--compression.level", "-1", "--redis.uri=redis://a?b=c");

    assertThat(arguments.options().toMap())
        .hasSize(3)
        .containsEntry("segment.timeout", "3 s")
        .containsEntry("compression.level", "-1")
        .containsEntry("redis.uri", "redis://a?b=c");
  }

  @Test
  void takesABooleanWithoutAValueAsTrue() {
    assertThat(
            JobArguments.parse("--source.bounded", "--start.checks", "--sink.topic", "x")
                .options()
                .toMap())
        .containsEntry("source.bounded", "true")
        .containsEntry("start.checks", "true")
        .containsEntry("sink.topic", "x");
  }

  @Test
  void takesAdoptForTheOptionOfThatName() {
    assertThat(JobArguments.parse("--adopt", "--sink.topic", "x").options().toMap())
        .containsEntry("ingest.adopt", "true")
        .containsEntry("sink.topic", "x");
    assertThat(JobArguments.parse("--ingest.adopt").options().toMap())
        .containsEntry("ingest.adopt", "true");
  }

  @Test
  void readsAFileAndLetsArgumentsWin() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("job.conf"),
            """
            # Where
            redis.uri: redis://one:7000
              sink.topic = "segments"

            segment.timeout=3 s
            """);

    JobArguments arguments =
        JobArguments.parse("--segment.timeout", "4 s", "--config", file.toString());

    assertThat(arguments.options().toMap())
        .hasSize(3)
        .containsEntry("redis.uri", "redis://one:7000")
        .containsEntry("sink.topic", "segments")
        .containsEntry("segment.timeout", "4 s");
  }

  @Test
  void tellsEveryWrongArgumentAndLineWithoutQuotingThem() throws IOException {
    Path file = Files.writeString(directory.resolve("job.conf"), "\ns3cret\n");

    assertThatThrownBy(
            () -> JobArguments.parse("s3cret", "--sink.topic", "--config", file.toString()))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("Argument 1 is not an option")
        .hasMessageContaining("--sink.topic lacks its value")
        .hasMessageContaining("Line 2 of")
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void tellsOfAFileThatIsNotThere() {
    assertThatThrownBy(() -> JobArguments.parse("--config", directory.resolve("none").toString()))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("cannot be read (NoSuchFileException)");
  }

  @Test
  void letsHelpPassBesideAnythingElse() {
    assertThat(JobArguments.parse("nonsense", "--config", "none", "--help").help()).isTrue();
    assertThat(JobArguments.parse("--print-config").printConfig()).isTrue();
    assertThat(JobArguments.parse("--print-config").check()).isFalse();
    assertThat(JobArguments.parse("--check", "--sink.topic", "x").check()).isTrue();
  }

  @Test
  void showsWhatWasGivenWithoutSecrets() {
    assertThat(
            JobArguments.parse(
                    "--sink.topic=x",
                    "--redis.password=hunter2",
                    "--redis.password.file=/run/secret",
                    "--kafka.properties.sasl.jaas.config=hunter2",
                    "--kafka.properties.ssl.truststore.password=hunter2",
                    "--kafka.properties.ssl.keystore.key=hunter2")
                .shown())
        .containsOnly(
            Map.entry("sink.topic", "x"),
            Map.entry("redis.password", "******"),
            Map.entry("redis.password.file", "/run/secret"),
            Map.entry("kafka.properties.sasl.jaas.config", "******"),
            Map.entry("kafka.properties.ssl.truststore.password", "******"),
            Map.entry("kafka.properties.ssl.keystore.key", "******"));
  }
}
