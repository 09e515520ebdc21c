package io.spanfold;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.Jobs;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Restores the savepoints of all releases. Each phase of each release has a directory in {@code
 * src/test/resources/savepoints}: the savepoint ({@code _metadata}), the records of the source
 * topic with their timestamps, of which the savepoint has the earlier ones ({@code records.tsv}),
 * the topic's id ({@code topic-id.txt}), and the parts that all of them make ({@code
 * segments.txt}). Redis is empty when a job is restored from it, so payloads come from Kafka; and
 * the broker does not know the transaction that it holds, so its parts are made again.
 *
 * <p>{@code -Dspanfold.record-state=true} first records those of {@link #RELEASE}, the release that
 * is being worked on, with this build. Until it is released they are recorded again whenever a form
 * changes. After that they never change, because users have such savepoints, and {@code RELEASE}
 * becomes the next.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SavepointITCase {

  private static final String RELEASE = "0.1.0";

  private static final String RECORD = "spanfold.record-state";
  private static final Path SAVEPOINTS = Path.of("src/test/resources/savepoints");
  private static final String METADATA = "_metadata";
  private static final String RECORDS = "records.tsv";
  private static final String SEGMENTS = "segments.txt";
  private static final String TOPIC_ID = "topic-id.txt";

  private static final String NAME = "savepoint";
  private static final int TRACES = 12;

  /** The same as the job's options below. */
  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  @TempDir private Path directory;
  private Servers servers;

  @BeforeEach
  void start() throws Exception {
    servers = new Servers();
    servers.createTopic(NAME, 1);
    servers.createTopic(NAME + "-segments", 1);
  }

  @AfterEach
  void stop() {
    servers.close();
  }

  static List<Path> savepoints() throws Exception {
    try (Stream<Path> files = Files.walk(SAVEPOINTS)) {
      return files.filter(file -> file.endsWith(METADATA)).map(Path::getParent).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("savepoints")
  @Order(2)
  @Timeout(120)
  void aJobIsRestoredFromASavepointOfEveryRelease(Path savepoint) throws Exception {
    Path kept = savepoint.toAbsolutePath();
    assertThat(classesOfOurs(kept.resolve(METADATA)))
        .as("classes that can no longer be moved")
        .containsOnly("io.spanfold.job.serialization.StateSerializerSnapshot");
    send(Files.readAllLines(kept.resolve(RECORDS)));

    String phase = kept.getFileName().toString().toUpperCase(Locale.ROOT).replace('-', '_');
    JobClient job = submit(RolloutPhase.valueOf(phase), withIdOfTheTopicHere(kept));
    awaitConsumed(job);
    Jobs.stopWithSavepoint(job, directory, true);

    try (CommittedRecords committed = committed()) {
      List<String> expected = Files.readAllLines(kept.resolve(SEGMENTS));
      assertThat(SegmentParts.differences(expected, SegmentParts.committed(committed.all())))
          .isEmpty();
    }
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  @Order(1)
  @Timeout(120)
  @EnabledIfSystemProperty(named = RECORD, matches = "true")
  void recordsASavepoint(RolloutPhase phase) throws Exception {
    List<Span> spans = RandomTraces.many(new Random(5), TRACES, 5_000, true, Pace.values());
    List<String> records =
        spans.stream().map(span -> span.timestamp() + "\t" + SpanRecords.json(span)).toList();
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));
    int before = spans.size() / 2;

    JobClient job = submit(phase, null);
    send(records.subList(0, before));
    // No checkpoint is taken: all flushed parts are in one open transaction, and
    // nothing has been cleaned up.
    Await.until(() -> servers.storedSpans() >= before && writtenRecords() > 0);
    Path savepoint = Path.of(URI.create(Jobs.stopWithSavepoint(job, directory, false)));

    Path kept = Files.createDirectories(SAVEPOINTS.resolve(RELEASE).resolve(phase.toString()));
    try (Stream<Path> files = Files.list(savepoint)) {
      assertThat(files).as("all state is in one file").hasSize(1);
    }
    Files.copy(
        savepoint.resolve(METADATA), kept.resolve(METADATA), StandardCopyOption.REPLACE_EXISTING);
    Files.write(kept.resolve(RECORDS), records);
    Files.writeString(kept.resolve(TOPIC_ID), topicId().toString());
    Files.write(kept.resolve(SEGMENTS), expected);
  }

  /** A topic that was made anew would be refused, and the broker here made its topic anew. */
  private Path withIdOfTheTopicHere(Path kept) throws Exception {
    String recorded = bytes(Uuid.fromString(Files.readString(kept.resolve(TOPIC_ID))));
    String metadata = Files.readString(kept.resolve(METADATA), ISO_8859_1);
    assertThat(metadata).containsOnlyOnce(recorded);
    Path here = Files.createDirectories(directory.resolve("kept"));
    Files.writeString(
        here.resolve(METADATA), metadata.replace(recorded, bytes(topicId())), ISO_8859_1);
    return here;
  }

  private static String bytes(Uuid id) {
    return new String(
        ByteBuffer.allocate(16)
            .putLong(id.getMostSignificantBits())
            .putLong(id.getLeastSignificantBits())
            .array(),
        ISO_8859_1);
  }

  private Uuid topicId() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers.bootstrapServers()))) {
      return admin.describeTopics(List.of(NAME)).topicNameValues().get(NAME).get().topicId();
    }
  }

  private static Set<String> classesOfOurs(Path metadata) throws Exception {
    return Pattern.compile("io\\.spanfold[\\w.$]*")
        .matcher(Files.readString(metadata, ISO_8859_1))
        .results()
        .map(MatchResult::group)
        .collect(Collectors.toSet());
  }

  /** Waits until all records have been read, and fails if the job fails. */
  private void awaitConsumed(JobClient job) throws Exception {
    CompletableFuture<Void> consumed =
        CompletableFuture.runAsync(
            () -> {
              try {
                servers.awaitConsumed(NAME, NAME);
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            });
    CompletableFuture.anyOf(job.getJobExecutionResult(), consumed).get();
    assertThat(job.getJobStatus().get()).isEqualTo(JobStatus.RUNNING);
  }

  /** Returns the end of the sink topic, uncommitted records included. */
  private long writtenRecords() throws Exception {
    TopicPartition segments = new TopicPartition(NAME + "-segments", 0);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers.bootstrapServers()))) {
      return admin
          .listOffsets(Map.of(segments, OffsetSpec.latest()))
          .partitionResult(segments)
          .get()
          .offset();
    }
  }

  private CommittedRecords committed() {
    return new CommittedRecords(servers.bootstrapServers(), NAME + "-segments");
  }

  private JobClient submit(RolloutPhase phase, Path savepoint) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    configuration.set(CheckpointingOptions.FS_SMALL_FILE_THRESHOLD, MemorySize.ofMebiBytes(1));
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint.toUri().toString());
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(savepoint == null ? 1 : 2, configuration);
    Duration checkpoints = savepoint == null ? Duration.ofHours(1) : Duration.ofMillis(300);
    env.enableCheckpointing(checkpoints.toMillis());
    Configuration options = servers.options(NAME);
    options.setString("rollout.phase", phase.toString());
    // Without the savepoint's positions nothing would be read.
    options.setString("source.starting-offsets", savepoint == null ? "earliest" : "latest");
    // Has no effect on a restored job, although the savepoint does not know its operator.
    boolean adopt = savepoint != null && phase == RolloutPhase.DUAL_WRITE;
    options.setString("ingest.adopt", Boolean.toString(adopt));
    options.setString("ingest.batch.max-spans", "5");
    options.setString("segment.timeout", "60 s");
    options.setString("segment.root-timeout", "10 s");
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    return env.executeAsync(NAME + " " + phase);
  }

  private void send(List<String> records) {
    try (KafkaProducer<byte[], byte[]> producer =
        SpanRecords.producer(servers.bootstrapServers())) {
      for (String record : records) {
        int tab = record.indexOf('\t');
        long timestamp = Long.parseLong(record.substring(0, tab));
        byte[] value = record.substring(tab + 1).getBytes(UTF_8);
        producer.send(new ProducerRecord<>(NAME, 0, timestamp, null, value));
      }
      producer.flush();
    }
  }
}
