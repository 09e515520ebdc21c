package io.spanfold;

import static org.apache.kafka.common.acl.AclOperation.DESCRIBE_CONFIGS;
import static org.apache.kafka.common.acl.AclOperation.READ;
import static org.apache.kafka.common.acl.AclOperation.WRITE;
import static org.apache.kafka.common.resource.PatternType.LITERAL;
import static org.apache.kafka.common.resource.PatternType.PREFIXED;
import static org.apache.kafka.common.resource.ResourceType.GROUP;
import static org.apache.kafka.common.resource.ResourceType.TOPIC;
import static org.apache.kafka.common.resource.ResourceType.TRANSACTIONAL_ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.PipelineFactory;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.preflight.PreflightChecks;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.LoggedText;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SecuredServers;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.SpanRecords;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The job on servers that speak TLS only, with the documented rights and no more. */
@Timeout(120)
class SecurityITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 900_000, 60_000, 10 << 20);

  private static final long DROPPED = 4;

  /** As in the README. */
  private static final String REDIS_RULES =
      "on >PASSWORD ~span-buf:* resetchannels -@all +info +cluster|slots +script|load +evalsha"
          + " +get +set +unlink +expire +pexpire +ttl +pttl +time +rename +hget +hmget +hset"
          + " +hdel +hlen +hrandfield +hscan";

  /** As in the README, except the rights that only a refused transaction needs. */
  private static final List<AclBinding> KAFKA_RIGHTS =
      List.of(
          right(TOPIC, LITERAL, "ingest-spans", READ),
          right(GROUP, LITERAL, "spanfold", READ),
          right(TOPIC, LITERAL, "buffered-segments", WRITE),
          right(TOPIC, LITERAL, "buffered-segments", DESCRIBE_CONFIGS),
          right(TOPIC, LITERAL, "ingest-spans-dlq", WRITE),
          right(TOPIC, LITERAL, "outcomes", WRITE),
          right(TRANSACTIONAL_ID, PREFIXED, "spanfold", WRITE));

  @TempDir private static Path directory;
  private static SecuredServers servers;
  private static JobCluster cluster;
  private static List<Span> spans;

  @BeforeAll
  static void start() throws Exception {
    servers = new SecuredServers(directory);
    cluster = new JobCluster(directory.resolve("flink"), 1, 2);
    try (Admin admin = Admin.create(servers.administrator())) {
      admin
          .createTopics(
              Stream.of("ingest-spans", "buffered-segments", "ingest-spans-dlq", "outcomes")
                  .map(name -> new NewTopic(name, 1, (short) 1))
                  .toList())
          .all()
          .get();
    }
    spans = new ArrayList<>();
    Random random = new Random(1);
    for (int i = 0; i < 100; i++) {
      TraceKey trace = new TraceKey(random.nextInt(5), random.nextLong(), i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.values()[random.nextInt(3)], true));
    }
    spans.sort(Comparator.comparingLong(Span::timestamp));
    sendBadRecord();
    SpanRecords.send(servers.administrator(), "ingest-spans", 1, spans);
  }

  private static List<Span> kept() {
    return spans.stream().filter(span -> span.trace().projectId() != DROPPED).toList();
  }

  private static void sendBadRecord() throws Exception {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            servers.administrator(), new ByteArraySerializer(), new ByteArraySerializer())) {
      long early = spans.get(0).timestamp();
      producer.send(new ProducerRecord<>("ingest-spans", 0, early, null, new byte[] {'{'})).get();
    }
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
    servers.close();
  }

  @BeforeEach
  void allow() throws Exception {
    servers.wipeRedis();
    servers.allowInRedis(REDIS_RULES);
    servers.allowInKafka(new HashSet<>(KAFKA_RIGHTS));
    readAgain();
  }

  /** Lets the next job read all records. */
  private static void readAgain() throws Exception {
    try (Admin admin = Admin.create(servers.administrator())) {
      admin
          .alterConsumerGroupOffsets(
              "spanfold", Map.of(new TopicPartition("ingest-spans", 0), new OffsetAndMetadata(0)))
          .all()
          .get();
    }
  }

  @Test
  void runsWithTheDocumentedRightsNeedsEachAndLeaksNoSecret() throws Exception {
    servers.forgetCommands();
    try (LoggedText log = new LoggedText();
        CommittedRecords committed =
            new CommittedRecords(servers.administrator(), "buffered-segments")) {
      int before = committed.all().size();
      JobID job = submit("dual-write");
      cluster.await(job);
      assertThat(SegmentParts.committed(committed.all().subList(before, committed.all().size())))
          .isEqualTo(SegmentParts.expected(SegmentParts.fold(SETTINGS, kept())));
      assertThat(shown(job)).contains("Parse").doesNotContain(SecuredServers.SECRETS);
      assertThat(log.text()).contains("ProducerConfig").doesNotContain(SecuredServers.SECRETS);
    }
    // Only traces without merged payloads have packed records.
    readAgain();
    cluster.await(submit("distributed"));
    Set<String> used = new TreeSet<>(servers.commands());
    // The administrator's own.
    used.removeAll(Set.of("auth", "client", "config", "hello"));
    assertThat(granted()).as("granted").isEqualTo(used);
  }

  static List<AclBinding> neededFromTheStart() {
    return KAFKA_RIGHTS;
  }

  @ParameterizedTest
  @MethodSource("neededFromTheStart")
  void failsWithoutAnyOfTheRightsInKafka(AclBinding missing) throws Exception {
    Set<AclBinding> fewer = new HashSet<>(KAFKA_RIGHTS);
    fewer.remove(missing);
    servers.allowInKafka(fewer);
    try (LoggedText log = new LoggedText()) {
      Throwable failure = catchThrowable(() -> cluster.await(submit("distributed")));
      assertThat(failure)
          .as("without " + missing)
          .hasStackTraceContaining("AuthorizationException");
      assertThat(Throwables.getStackTrace(failure) + log.text())
          .doesNotContain(SecuredServers.SECRETS);
    }
  }

  @Test
  void leaksNoSecretIfRedisRefusesTheLogin() throws Exception {
    servers.allowInRedis(REDIS_RULES.replace(">PASSWORD", ">another"));
    try (LoggedText log = new LoggedText()) {
      JobID job = submit("distributed");
      Throwable failure = catchThrowable(() -> cluster.await(job));
      assertThat(failure).hasStackTraceContaining("WRONGPASS");
      assertThat(Throwables.getStackTrace(failure) + log.text() + shown(job))
          .doesNotContain(SecuredServers.SECRETS);
    }
  }

  @Test
  void trustsOnlyTheGivenAuthority() throws Exception {
    Configuration options = options("distributed");
    options.removeKey("redis.ca-file");
    assertThat(
            catchThrowable(
                () ->
                    RedisPipelines.connect(
                        new PipelineFactory(SpanfoldConfig.of(options)).store().redis(),
                        RetryPolicy.within(Duration.ofMillis(1)))))
        .hasStackTraceContaining("unable to find valid certification path");
  }

  private static JobID submit(String phase) throws Exception {
    Configuration flink = new Configuration();
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    Configuration options = options(phase);
    assertThat(PreflightChecks.chunkBytes(SpanfoldConfig.of(options))).isPositive();
    return cluster.submit(options, flink, 1, null);
  }

  private static Configuration options(String phase) {
    Configuration options = servers.options();
    options.setString("rollout.phase", phase);
    options.setString("source.bounded", "true");
    options.setString("ingest.drop", Long.toString(DROPPED));
    options.setString("ingest.batch.max-spans", "10");
    return options;
  }

  /** What Flink's web interface shows of a job. */
  private static String shown(JobID job) throws Exception {
    StringBuilder shown = new StringBuilder();
    HttpClient http = HttpClient.newHttpClient();
    for (String page :
        List.of(
            "/jobmanager/config",
            "/jobs/" + job,
            "/jobs/" + job + "/config",
            "/jobs/" + job + "/plan",
            "/jobs/" + job + "/exceptions",
            "/jobs/" + job + "/checkpoints/config")) {
      HttpRequest request = HttpRequest.newBuilder(cluster.webAddress().resolve(page)).build();
      shown.append(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    }
    return shown.toString();
  }

  private static Set<String> granted() {
    return Arrays.stream(REDIS_RULES.split(" "))
        .filter(rule -> rule.startsWith("+"))
        .map(rule -> rule.substring(1).replaceAll("\\|.*", ""))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static AclBinding right(
      ResourceType type, PatternType pattern, String name, AclOperation operation) {
    return new AclBinding(
        new ResourcePattern(type, name, pattern),
        new AccessControlEntry(
            "User:" + SecuredServers.USER, "*", operation, AclPermissionType.ALLOW));
  }
}
