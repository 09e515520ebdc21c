package io.spanfold.local.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.embedded.Await;
import io.spanfold.local.chaos.load.DeliveryReport;
import io.spanfold.local.chaos.load.DeliveryVerifier;
import io.spanfold.local.chaos.load.TraceGenerator;
import io.spanfold.local.flink.FlinkRestClient;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.servers.ProcessServers;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs deploy/rollout/upgrade.sh against the servers of {@code deploy/local.sh cluster}. */
class UpgradeITCase {

  private static final Path SCRIPT = Path.of("../rollout/upgrade.sh").toAbsolutePath().normalize();
  private static final Pattern DONE = Pattern.compile("(?s).*\ndone: job (\\w{32}) is in phase .*");
  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final int PARTITIONS = 2;
  private static final int SPANS_PER_SECOND = 100;
  private static final int SPANS_BETWEEN_MOVES = 500;

  @TempDir private Path files;
  private RunDirectory directory;
  private ProcessServers servers;
  private FlinkRestClient rest;
  private String job;

  /** A finished call of the script. */
  private record Call(int code, String output) {}

  @BeforeEach
  void startInMergedPhase() {
    directory = RunDirectory.create(files);
    servers = ProcessServers.start(directory, ServerSettings.of(PARTITIONS, Chaos.FLINK));
    rest = servers.rest();
    JobOptions options = new JobOptions(List.of("--rollout.phase", "merged"));
    Chaos.OPTIONS.forEach(options::set);
    job = servers.submit(options, 2, Optional.empty()).jobId();
    assertThat(Await.until(() -> rest.isFullyRunning(job), TIMEOUT)).isTrue();
  }

  @AfterEach
  void stop() {
    if (servers != null) {
      servers.close();
    }
    directory.close();
  }

  @Test
  @Timeout(value = 8, unit = TimeUnit.MINUTES)
  void everySpanIsEmittedOnceThroughARolloutAndBack() throws Exception {
    DeliveryVerifier verifier = new DeliveryVerifier();
    Random random = new Random(1);
    try (OutputReader output = new OutputReader(servers.bootstrapServers(), verifier);
        LoadSender load =
            new LoadSender(
                new TraceGenerator(random.nextLong(), Chaos.TIMES, Chaos.TOO_LARGE_BYTES),
                verifier,
                servers.bootstrapServers(),
                PARTITIONS,
                new Random(random.nextLong()),
                SPANS_PER_SECOND / Chaos.SPANS_PER_TRACE)) {
      load.start();
      output.start();

      move(verifier, "dual-write");
      move(verifier, "dual-read", "--parallelism", "3");
      move(
          verifier,
          "distributed",
          "--jar",
          SubmittedJob.jar().toString(),
          "--set",
          "segment.max-bytes=90 kb");
      move(verifier, "merged");
      move(verifier, "--back");

      load.finish();
      assertThat(Await.until(() -> verifier.missing() == 0, TIMEOUT)).isTrue();
      assertThat(rest.userConfig(job))
          .containsEntry("rollout.phase", "distributed")
          .containsEntry("segment.max-bytes", "90 kb");
      rest.stopWithSavepoint(job, servers.flink().savepoints(), true);
      output.finish();
      DeliveryReport report = verifier.report(System.currentTimeMillis());
      System.out.println(ChaosReport.summary(report));
      assertThat(report.findings()).isEmpty();
      assertThat(report.outcomeSpans()).isZero();
    }
    RemainingKeys left = RemainingKeys.in(servers.redis());
    assertThat(left.ofSegments()).as(left.toString()).isZero();
  }

  @Test
  @Timeout(value = 4, unit = TimeUnit.MINUTES)
  void changesNothingBeforeTheNewJobIsValidAndExplainsHowToGoBack() throws Exception {
    Call planned = upgrade("dual-write", "--dry-run");
    assertThat(planned.code()).isZero();
    assertThat(planned.output()).contains("merged -> dual-write").contains("nothing was changed");

    Call refused = upgrade("dual-write", "--set", "segment.max-age=1 s");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.output()).contains("segment.max-age").contains("nothing was changed");

    Call unfit = upgrade("dual-write", "--set", "outcomes.topic=nowhere");
    assertThat(unfit.code()).isEqualTo(1);
    assertThat(unfit.output())
        .contains("outcomes.topic (nowhere) does not exist on Kafka")
        .contains("nothing was changed");

    Path secrets =
        Files.writeString(files.resolve("secrets"), "kafka.properties.ssl.key.password: hunter2\n");
    Call nowhere =
        upgrade("dual-write", "--savepoint-dir", "/proc/x", "--options", secrets.toString());
    assertThat(nowhere.code()).isEqualTo(1);
    assertThat(nowhere.output())
        .contains("no savepoint was taken")
        .contains("the job is RUNNING")
        .doesNotContain("hunter2");
    assertThat(Await.until(() -> rest.isFullyRunning(job), TIMEOUT)).isTrue();
    assertThat(rest.userConfig(job)).containsEntry("rollout.phase", "merged");

    Call stuck = upgrade("dual-write", "--parallelism", "50", "--timeout", "15");
    assertThat(stuck.code()).isEqualTo(1);
    Matcher advice =
        Pattern.compile("to start it again as it was: .* (\\w{32}) --back").matcher(stuck.output());
    assertThat(advice.find()).as(stuck.output()).isTrue();
    job = advice.group(1);

    Call back = upgrade("--back");
    assertThat(back.code()).as(back.output()).isZero();
    assertThat(rest.userConfig(doneJob(back))).containsEntry("rollout.phase", "merged");
  }

  /** Moves the job while segments are open. */
  private void move(DeliveryVerifier verifier, String... arguments) throws Exception {
    long before = verifier.emittedSpans();
    assertThat(Await.until(() -> verifier.emittedSpans() >= before + SPANS_BETWEEN_MOVES, TIMEOUT))
        .isTrue();

    Call call = upgrade(arguments);

    System.out.println(call.output());
    assertThat(call.code()).as(call.output()).isZero();
    job = doneJob(call);
  }

  private static String doneJob(Call call) {
    Matcher done = DONE.matcher(call.output());
    assertThat(done.matches()).as(call.output()).isTrue();
    return done.group(1);
  }

  private Call upgrade(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of("bash", SCRIPT.toString(), servers.flink().address().toString(), job));
    command.addAll(Arrays.asList(arguments));
    command.addAll(List.of("--records", files.resolve("records").toString()));
    Path output = files.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      int code = process.waitFor();
      return new Call(code, Files.readString(output));
    } finally {
      process.destroy();
    }
  }
}
