package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.spanfold.buffer.lease.LeaseAnswer;
import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.config.InvalidSetupException;
import io.spanfold.testing.KafkaUnderTest;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.flink.client.ClientUtils;
import org.apache.flink.client.program.PackagedProgram;
import org.apache.flink.client.program.PackagedProgramUtils;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.DefaultExecutorServiceLoader;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The main class on servers that fit, and on others. */
@Timeout(120)
class CheckedStartITCase {

  private static final String NO_MAXMEMORY =
      "has no maxmemory, so redis.max-memory-fraction has no";

  @TempDir private static Path directory;
  private static KafkaUnderTest kafka;
  private static RedisNode redis;

  @BeforeAll
  static void start() {
    kafka = KafkaUnderTest.start();
    for (String topic :
        List.of("ingest-spans", "buffered-segments", "ingest-spans-dlq", "outcomes")) {
      kafka.createTopic(topic, 1);
    }
    redis = RedisNode.start(RedisNode.Options.in(directory));
  }

  @AfterAll
  static void stop() {
    redis.close();
    kafka.close();
  }

  @Test
  void checkReportsThatTheServersFitAndPrintsWarnings() throws Exception {
    assertThat(output(() -> SpanfoldJob.main(arguments("--check"))))
        .startsWith("Warning: execution.checkpointing.dir is not set here")
        .contains("\nWarning: The Redis node " + redis.address() + " " + NO_MAXMEMORY)
        .endsWith("Kafka and Redis are ready for this job.\n");
  }

  @Test
  void checkReportsAllProblemsOfBothServersAndFails() throws Exception {
    String[] arguments =
        arguments(
            "--check",
            "--sink.topic=a",
            "--outcomes.topic=b",
            "--kafka.properties.transaction.timeout.ms=3600000",
            "--redis.uri=redis://127.0.0.1:1");

    InvalidSetupException refused =
        catchThrowableOfType(InvalidSetupException.class, () -> SpanfoldJob.main(arguments));

    assertThat(refused.problems())
        .satisfiesExactly(
            segments -> assertThat(segments).startsWith("sink.topic (a) does not exist"),
            outcomes -> assertThat(outcomes).startsWith("outcomes.topic (b) does not exist"),
            transactions ->
                assertThat(transactions)
                    .contains("transaction.max.timeout.ms of broker 1 (900000)"),
            cache ->
                assertThat(cache).startsWith("redis.uri: cannot connect to Redis at [redis://127"));
    assertThat(refused)
        .hasMessageStartingWith("There are 4 problems:\n  - sink.topic (a) does not");
  }

  @Test
  void checkWorksWithFlinksClientAndExecutesNothing() throws Exception {
    Configuration configuration = new Configuration();
    String said =
        output(
            () -> {
              try (PackagedProgram program = program(configuration, "--check")) {
                ClientUtils.executeProgram(
                    new DefaultExecutorServiceLoader(), configuration, program, false, false);
              }
            });

    assertThat(said).endsWith("Kafka and Redis are ready for this job.\n");
  }

  @Test
  void jobIsRefusedBeforeItReadsAnything() throws Exception {
    assertThat(
            catchThrowableOfType(
                InvalidSetupException.class,
                () -> SpanfoldJob.main(arguments("--dead-letter.topic=a", "--source.group.id=x"))))
        .hasMessageStartingWith("dead-letter.topic (a) does not exist on Kafka at ");
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      assertThat(admin.listGroups().all().get()).isEmpty();
    }
  }

  @Test
  void planIsMadeWhileTheJobToReplaceIsRunning() throws Exception {
    ScheduledExecutorService renewals = Executors.newSingleThreadScheduledExecutor();
    try (LeaseStore store = new LeaseStore(ConnectionSettings.of(List.of(redis.uri())))) {
      LeaseClaim claim = new LeaseClaim("spanfold", "former", "a".repeat(32), 0);
      Duration ttl = Duration.ofSeconds(10);
      LeaseAnswer held = store.take(claim, ttl);
      renewals.scheduleWithFixedDelay(
          () -> store.renew(claim, held, ttl), 0, 300, TimeUnit.MILLISECONDS);

      assertThat(plan().getStreamNodes()).isNotEmpty();
      assertThat(
              catchThrowableOfType(
                  InvalidSetupException.class, () -> SpanfoldJob.main(arguments("--check"))))
          .hasMessageContaining("has been the buffer spanfold of job former since ");

      renewals.shutdown();
      assertThat(renewals.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
      store.release(held.epoch(), Duration.ofMillis(1));
    } finally {
      renewals.shutdownNow();
    }
  }

  @Test
  void serversAreNotCheckedIfTheChecksAreDisabled() throws Exception {
    StreamGraph graph =
        plan(
            "--start.checks=false",
            "--flush.chunk-bytes=500 kb",
            "--kafka.bootstrap.servers=kafka.invalid:9092",
            "--redis.uri=redis://redis.invalid");

    assertThat(graph.getStreamNodes()).isNotEmpty();
  }

  @Test
  void aSettingOfFlinkThatBreaksAPromiseIsRefusedAlsoIfTheServersAreNotChecked() {
    Configuration configuration = new Configuration();
    configuration.setString("pipeline.operator-chaining.enabled", "false");

    for (boolean checks : new boolean[] {true, false}) {
      assertThatThrownBy(() -> plan(configuration, "--start.checks=" + checks))
          .rootCause()
          .isInstanceOfSatisfying(
              InvalidSetupException.class,
              refused ->
                  assertThat(refused.problems())
                      .singleElement()
                      .asString()
                      .startsWith("pipeline.operator-chaining.enabled is false, but"));
    }
  }

  @Test
  void jobShowsItsGivenOptionsWithoutSecrets() throws Exception {
    Map<String, String> shown =
        plan("--segment.timeout", "50 s", "--kafka.properties.ssl.key.password", "hunter2")
            .getExecutionConfig()
            .getGlobalJobParameters()
            .toMap();

    assertThat(shown)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "kafka.bootstrap.servers",
                kafka.bootstrapServers(),
                "redis.uri",
                redis.uri().toString(),
                "segment.timeout",
                "50 s",
                "kafka.properties.ssl.key.password",
                "******"));
  }

  private static StreamGraph plan(String... more) throws Exception {
    return plan(new Configuration(), more);
  }

  /** Flink takes the output and the class loader of the thread, and keeps them if the job fails. */
  private static StreamGraph plan(Configuration configuration, String... more) throws Exception {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    try (PackagedProgram program = program(configuration, more)) {
      return (StreamGraph)
          PackagedProgramUtils.getPipelineFromProgram(program, configuration, 1, true);
    } finally {
      System.setOut(out);
      System.setErr(err);
      Thread.currentThread().setContextClassLoader(loader);
    }
  }

  private static PackagedProgram program(Configuration configuration, String... more)
      throws Exception {
    return PackagedProgram.newBuilder()
        .setEntryPointClassName(SpanfoldJob.class.getName())
        .setConfiguration(configuration)
        .setArguments(arguments(more))
        .build();
  }

  private static String[] arguments(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap.servers=" + kafka.bootstrapServers(),
                "--redis.uri=" + redis.uri()));
    arguments.addAll(List.of(more));
    return arguments.toArray(String[]::new);
  }

  /** Something to be run that may fail. */
  private interface Run {
    void run() throws Exception;
  }

  private static String output(Run run) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream taken = new ByteArrayOutputStream();
    System.setOut(new PrintStream(taken, true, StandardCharsets.UTF_8));
    try {
      run.run();
    } finally {
      System.setOut(before);
    }
    return taken.toString(StandardCharsets.UTF_8);
  }
}
