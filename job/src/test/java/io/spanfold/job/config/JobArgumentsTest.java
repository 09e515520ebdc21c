package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.job.config.JobArguments.Action;
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
  void booleanWithoutAValueIsTrue() {
    assertThat(
            JobArguments.parse("--source.bounded", "--start.checks", "--sink.topic", "x")
                .options()
                .toMap())
        .containsEntry("source.bounded", "true")
        .containsEntry("start.checks", "true")
        .containsEntry("sink.topic", "x");
  }

  @Test
  void adoptIsShortForIngestAdopt() {
    assertThat(JobArguments.parse("--adopt", "--sink.topic", "x").options().toMap())
        .containsEntry("ingest.adopt", "true")
        .containsEntry("sink.topic", "x");
    assertThat(JobArguments.parse("--ingest.adopt").options().toMap())
        .containsEntry("ingest.adopt", "true");
  }

  @Test
  void readsAFileWhoseValuesArgumentsOverride() throws IOException {
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
  void takesValuesInAFileLiterally() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("job.conf"),
            """
            redis.password.file: C:\\secrets\\redis.txt
            redis.password = p\\u0041=:#! \\
            kafka.properties.sasl.jaas.config: a.LoginModule required username="a" password="b\\c";
              kafka.properties.ssl.endpoint.identification.algorithm:
            sink.topic: 'it''s'
            debug.traces: "a;b"  \t
            """);

    assertThat(JobArguments.parse("--config", file.toString()).options().toMap())
        .containsOnly(
            Map.entry("redis.password.file", "C:\\secrets\\redis.txt"),
            Map.entry("redis.password", "p\\u0041=:#! \\"),
            Map.entry(
                "kafka.properties.sasl.jaas.config",
                "a.LoginModule required username=\"a\" password=\"b\\c\";"),
            Map.entry("kafka.properties.ssl.endpoint.identification.algorithm", ""),
            Map.entry("sink.topic", "it''s"),
            Map.entry("debug.traces", "a;b"));
  }

  @Test
  void reportsEveryWrongArgumentAndLineWithoutShowingThem() throws IOException {
    Path file = Files.writeString(directory.resolve("job.conf"), "\ns3cret.0\n");

    assertThatThrownBy(
            () -> JobArguments.parse("s3cret", "--sink.topic", "--config", file.toString()))
        .isInstanceOf(InvalidSetupException.class)
        .hasMessageContaining("Argument 1 is not an option")
        .hasMessageContaining("--sink.topic has no value")
        .hasMessageContaining("has a line that is not an option")
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void reportsAMissingFile() {
    assertThatThrownBy(() -> JobArguments.parse("--config", directory.resolve("none").toString()))
        .isInstanceOf(InvalidSetupException.class)
        .hasMessageContaining("cannot be read (NoSuchFileException)");
  }

  @Test
  void findsTheAction() {
    assertThat(JobArguments.parse("nonsense", "--config", "none", "--help").action())
        .as("whatever else is wrong")
        .isEqualTo(Action.HELP);
    assertThat(JobArguments.parse("--print-config").action()).isEqualTo(Action.PRINT_CONFIG);
    assertThat(JobArguments.parse("--check", "--sink.topic", "x").action()).isEqualTo(Action.CHECK);
    assertThat(JobArguments.parse("--sink.topic", "x").action()).isEqualTo(Action.RUN);
  }

  @Test
  void showsTheGivenOptionsWithoutSecrets() {
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
