package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.Jobs;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job on real servers, started from savepoints, and with record times that differ from
 * the wall clock.
 */
class RestoreITCase {

  /** So long that an idle clock, which advances while a test waits, does not matter. */
  private static final FoldSettings SETTINGS =
      new FoldSettings(600_000, 100_000, 1_000_000, 300_000, Long.MAX_VALUE);

  private static final FoldSettings PATIENT =
      new FoldSettings(1 << 30, 1 << 30, 1 << 30, 1, Long.MAX_VALUE);

  private static final long HOUR = TimeUnit.HOURS.toMillis(1);

  @TempDir static Path directory;

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @Test
  @Timeout(120)
  void aBacklogOfAnHourIsFoldedAsIfReadInTime() throws Exception {
    List<Span> spans = RandomTraces.many(new Random(1), 600, HOUR / 1_200, false, Pace.values());
    createTopics("hour");
    int stopped = spans.size() / 10;
    send("hour", spans.subList(0, stopped));
    JobClient job = submit("hour", 2, false, null);
    servers.awaitConsumed("hour", "hour");
    String savepoint = Jobs.stopWithSavepoint(job, directory, false);

    send("hour", spans.subList(stopped, spans.size()));
    job = submit("hour", 4, false, savepoint);
    servers.awaitConsumed("hour", "hour");
    Jobs.stopWithSavepoint(job, directory, true);

    assertThat(differences("hour", SegmentParts.expected(SegmentParts.fold(SETTINGS, spans))))
        .isEmpty();
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  @Test
  @Timeout(120)
  void aRestoredBoundedJobEnds() throws Exception {
    List<Span> spans = RandomTraces.many(new Random(2), 2_000, HOUR / 4_000, false, Pace.values());
    createTopics("bounded");
    send("bounded", spans);
    String savepoint = Jobs.stopWithSavepoint(submit("bounded", 2, true, null), directory, false);
    assertThat(servers.storedSpans()).as("read before the stop").isLessThan(spans.size());

    submit("bounded", 2, true, savepoint).getJobExecutionResult().get();

    assertThat(differences("bounded", SegmentParts.expected(SegmentParts.fold(SETTINGS, spans))))
        .isEmpty();
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  /** Its payloads were deleted once they were committed: they come from Kafka. */
  @Test
  @Timeout(120)
  void anOlderSavepointRepeatsLaterOutputAndMissesNothing() throws Exception {
    List<Span> spans = RandomTraces.many(new Random(3), 200, 1, false, Pace.DENSE);
    createTopics("older");
    int older = spans.size() / 2;
    send("older", spans.subList(0, older));
    JobClient job = submit("older", 2, false, null);
    servers.awaitConsumed("older", "older");
    String savepoint =
        job.triggerSavepoint(directory.toUri().toString(), SavepointFormatType.CANONICAL).get();
    send("older", spans.subList(older, spans.size()));
    servers.awaitConsumed("older", "older");
    Jobs.stopWithSavepoint(job, directory, true);
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));
    assertThat(differences("older", expected)).isEmpty();

    job = submit("older", 3, false, savepoint);
    Await.until(() -> servers.storedSpans() >= spans.size() - older);
    Jobs.stopWithSavepoint(job, directory, true);

    // Nothing was due before the savepoint, so all of it comes twice.
    List<String> twice = new ArrayList<>(expected);
    twice.addAll(expected);
    assertThat(differences("older", twice)).isEmpty();
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
    try (CommittedRecords outcomes =
        new CommittedRecords(servers.bootstrapServers(), "older-outcomes")) {
      assertThat(outcomes.all()).as("false losses").isEmpty();
    }
  }

  /** A constant error of a producer's clock does not even divide that producer's segments. */
  @Test
  @Timeout(120)
  void aProducerClockThatIsADayOffDividesNoSegments() throws Exception {
    Random random = new Random(4);
    long now = System.currentTimeMillis();
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      TraceKey trace = new TraceKey(1 + i % 3, random.nextLong(), i);
      long wrongBy = (i % 3 - 1) * TimeUnit.DAYS.toMillis(1);
      for (Span span : RandomTraces.trace(trace, random, Pace.DENSE, false)) {
        long timestamp = span.timestamp() - RandomTraces.START + now - 30_000 + wrongBy;
        spans.add(RandomTraces.at(span, timestamp, 0, span.offset()));
      }
    }
    spans.sort(Comparator.comparingLong(span -> Math.floorMod(span.timestamp(), HOUR * 24)));
    createTopics("wrong");
    send("wrong", spans);
    submit("wrong", 2, true, null).getJobExecutionResult().get();

    assertThat(differences("wrong", SegmentParts.expected(SegmentParts.fold(PATIENT, spans))))
        .isEmpty();
  }

  private static List<String> differences(String name, List<String> expected) {
    return SegmentParts.differences(expected, committed(name));
  }

  private static List<String> committed(String name) {
    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      return SegmentParts.committed(committed.all());
    }
  }

  private static void createTopics(String name) {
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 1);
    servers.createTopic(name + "-outcomes", 1);
  }

  private static void send(String name, List<Span> spans) {
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);
  }

  private static JobClient submit(String name, int parallelism, boolean bounded, String savepoint)
      throws Exception {
    Configuration configuration = new Configuration();
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, configuration);
    env.enableCheckpointing(300);
    Configuration options = servers.options(name);
    options.setString("source.bounded", Boolean.toString(bounded));
    options.setString("outcomes.topic", name + "-outcomes");
    options.setString("segment.timeout", "600 s");
    options.setString("segment.root-timeout", "100 s");
    options.setString("segment.max-age", "1000 s");
    options.setString("segment.late-grace", "300 s");
    options.setString("flush.lock-ttl", "600 s");
    // Small fetches, so that a job can be stopped before it has read all.
    options.setString("kafka.properties.max.partition.fetch.bytes", "8192");
    options.setString("kafka.properties.max.poll.records", "20");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    return env.executeAsync(name);
  }
}
