package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.embedded.Await;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job with unaligned checkpoints, which hold records that are on their way between tasks,
 * through failures, and through restores of such checkpoints and of savepoints.
 *
 * <p>{@code -Dspanfold.unaligned.seed=7} runs another seed.
 */
@Timeout(300)
class UnalignedCheckpointsITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private static final int TRACES = 1_000;

  /** A part as {@link SegmentParts} writes it: trace, segment, number and spans. */
  private static final Pattern PART = Pattern.compile("(\\S+) \\S+ \\d+ \\[(.*)]");

  @TempDir private static Path directory;

  private static Servers servers;

  private final Random random = new Random(Long.getLong("spanfold.unaligned.seed", 1));

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @Test
  void everySpanIsCommittedOnceInItsPartThroughFailuresAndRestores() throws Exception {
    String name = "unaligned";
    List<Span> spans = send(name);
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));
    try (JobCluster cluster = new JobCluster(directory, 2, 2);
        CommittedRecords committed = committed(name)) {
      JobID job = submit(cluster, name, 2, null);
      awaitOutput(committed, expected.size() / 20);
      awaitInFlight(cluster, job);
      cluster.replaceTaskManager(random.nextInt(2));

      awaitOutput(committed, expected.size() / 6);
      job = restoreCheckpoint(cluster, name, job, 2);

      awaitOutput(committed, expected.size() / 3);
      job = submit(cluster, name, 2, cluster.stopWithSavepoint(job, false).savepoint());

      awaitOutput(committed, expected.size() / 2);
      awaitInFlight(cluster, job);
      cluster.replaceTaskManager(random.nextInt(2));

      servers.awaitConsumed(name, name);
      cluster.stopWithSavepoint(job, true);
      assertThat(SegmentParts.differences(expected, SegmentParts.committed(committed.all())))
          .isEmpty();
    }
  }

  /**
   * Records in flight may then meet later ones of their trace out of order, so the parts may be
   * others.
   */
  @Test
  void noSpanIsLostOrDoubledByRestoresWithAnotherParallelism() throws Exception {
    String name = "unaligned-rescaled";
    List<Span> spans = send(name);
    try (JobCluster cluster = new JobCluster(directory, 2, 2);
        CommittedRecords committed = committed(name)) {
      JobID job = submit(cluster, name, 2, null);
      awaitOutput(committed, 100);
      job = restoreCheckpoint(cluster, name, job, 3);
      awaitOutput(committed, 500);
      job = restoreCheckpoint(cluster, name, job, 1);
      servers.awaitConsumed(name, name);
      cluster.stopWithSavepoint(job, true);

      List<String> records = records(SegmentParts.committed(committed.all()));
      assertThat(records).doesNotHaveDuplicates();
      assertThat(
              records.stream().map(record -> record.split("/", 2)[0]).collect(Collectors.toSet()))
          .isEqualTo(
              spans.stream()
                  .map(span -> span.trace() + " " + Hex.id(span.spanId()))
                  .collect(Collectors.toSet()));
    }
  }

  /** Returns the records in {@code parts}: trace, span id, slash and number. */
  private static List<String> records(List<String> parts) {
    List<String> records = new ArrayList<>();
    for (String part : parts) {
      Matcher matcher = PART.matcher(part);
      assertThat(matcher.matches()).as(part).isTrue();
      for (String span : matcher.group(2).split(", ", -1)) {
        records.add(matcher.group(1) + " " + span);
      }
    }
    return records;
  }

  private List<Span> send(String name) {
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    List<Span> spans = RandomTraces.many(random, TRACES, 1_000, true, Pace.values());
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);
    return spans;
  }

  private static CommittedRecords committed(String name) {
    return new CommittedRecords(servers.bootstrapServers(), name + "-segments");
  }

  private static void awaitOutput(CommittedRecords committed, int messages) {
    assertThat(committed.readUntil(seen -> seen.size() >= messages))
        .as("output continues to %d messages", messages)
        .isTrue();
  }

  /** Waits until a checkpoint since the job's submission has records in flight. */
  private static void awaitInFlight(JobCluster cluster, JobID job) throws Exception {
    Await.until(() -> cluster.inFlightBytes(job) > 0);
  }

  /** Cancels the job, and starts it from its last checkpoint. */
  private static JobID restoreCheckpoint(
      JobCluster cluster, String name, JobID job, int parallelism) throws Exception {
    awaitInFlight(cluster, job);
    cluster.cancel(job);
    return submit(cluster, name, parallelism, cluster.lastCheckpoint(job));
  }

  private static JobID submit(JobCluster cluster, String name, int parallelism, String restored)
      throws Exception {
    Configuration flink = new Configuration();
    flink.set(CheckpointingOptions.ENABLE_UNALIGNED, true);
    return cluster.submit(options(name), flink, parallelism, restored);
  }

  private static Configuration options(String name) {
    Configuration options = servers.options(name);
    options.setString("kafka.properties.max.partition.fetch.bytes", "8192");
    options.setString("kafka.properties.max.poll.records", "50");
    // A call to Redis for each span, so that the network between reading and writing fills.
    options.setString("ingest.batch.max-spans", "1");
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    return options;
  }
}
