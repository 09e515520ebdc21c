package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The whole job on real servers: each record is emitted as a span, is a dead letter, is counted in
 * an outcome, or is a duplicate.
 */
class AccountingITCase {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final long DROPPED_ORGANIZATION = 9;
  private static final long DROPPED_PROJECT = 7;
  private static final TraceKey DROPPED_TRACE = new TraceKey(2, -1, 2);

  /** The last one seems to be of a dropped project. */
  private static final List<byte[]> BAD =
      List.of(
          new byte[0],
          "no span".getBytes(UTF_8),
          new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'},
          "{\"project_id\":1}".getBytes(UTF_8),
          "[".repeat(1_000).getBytes(UTF_8),
          "{\"organization_id\":9,\"project_id\":7,\"trace_id\":\"none\"}".getBytes(UTF_8));

  private static final List<String> COUNTERS =
      List.of(
          "spansIn",
          "spansOut",
          "deadLetters",
          "spansDropped",
          "outcomeSpansOut",
          "duplicateSpans");

  private static final int BAD_RECORDS = 60;
  private static final int FAILURES = 3;

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

  /** Keys that failed attempts left are deleted only by their TTL. */
  @AfterEach
  void wipe() {
    servers.wipeRedis();
  }

  /** A record of the source topic. */
  private record Sent(long timestamp, byte[] value) {}

  /**
   * The records, and the expected result.
   *
   * @param sent all records, in the order of their timestamps
   * @param out the spans that must be emitted
   * @param duplicates how many records repeat one of them
   * @param dropped how many spans are dropped, by organization and project
   */
  private record Input(
      List<Sent> sent, Set<String> out, long duplicates, Map<String, Long> dropped) {}

  @ParameterizedTest
  @CsvSource({"1, exactly-once", "2, exactly-once", "2, at-least-once"})
  @Timeout(120)
  void accountsForEveryRecord(int parallelism, String guarantee) throws Exception {
    String name = "accounts-%d-%s".formatted(parallelism, guarantee);
    createTopics(name);
    Random random = new Random(parallelism);
    Input input = input(random);
    send(name, input.sent(), random);
    Configuration options = options(name);
    options.setString("source.bounded", "true");
    options.setString("sink.delivery-guarantee", guarantee);

    Map<String, Long> counted = run(options, parallelism);

    assertAccounts(name, input);
    long dropped = sum(input.dropped());
    assertThat(counted)
        .containsOnly(
            Map.entry("spansIn", (long) input.sent().size()),
            Map.entry("spansOut", (long) input.out().size()),
            Map.entry("deadLetters", (long) BAD_RECORDS),
            Map.entry("spansDropped", dropped),
            Map.entry("outcomeSpansOut", dropped),
            Map.entry("duplicateSpans", input.duplicates()));
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  @Test
  @Timeout(120)
  void accountsForEveryRecordIfTaskManagersDie() throws Exception {
    String name = "accounts-failures";
    createTopics(name);
    Random random = new Random(4);
    Input input = input(random);
    Configuration options = options(name);
    // So long that no clock makes anything due before the job is drained.
    options.setString("segment.timeout", "10 min");
    options.setString("segment.root-timeout", "10 min");
    try (JobCluster cluster = new JobCluster(directory, 2, 2);
        CommittedRecords outcomes =
            new CommittedRecords(servers.bootstrapServers(), name + "-outcomes")) {
      JobID job = cluster.submit(options, new Configuration(), 2, null);
      for (int i = 0; i < FAILURES; i++) {
        cluster.awaitRunning(job);
        int seen = outcomes.all().size();
        send(name, share(input.sent(), i), random);
        assertThat(outcomes.readUntil(all -> all.size() > seen))
            .as("outcomes are emitted")
            .isTrue();
        // Perhaps not committed yet: some records are read again and tallied differently.
        send(name, share(input.sent(), FAILURES + i), random);
        cluster.replaceTaskManager(random.nextInt(2));
      }
      servers.awaitConsumed(name, name);
      cluster.stopWithSavepoint(job, true);
    }

    assertAccounts(name, input);
  }

  private static List<Sent> share(List<Sent> all, int number) {
    int of = 2 * FAILURES;
    return all.subList(all.size() * number / of, all.size() * (number + 1) / of);
  }

  /** Compares the topics with the input. */
  private static void assertAccounts(String name, Input input) throws Exception {
    List<String> out = spansOut(name);
    List<ConsumerRecord<byte[], byte[]>> dead = committed(name + "-dead");
    Map<String, Long> dropped = outcomes(name);
    assertThat(out).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(input.out());
    assertThat(dead).extracting(ConsumerRecord::value).containsOnly(BAD.toArray(new byte[0][]));
    assertThat(dropped).isEqualTo(input.dropped());
    assertThat(input.duplicates()).as("duplicates that were sent").isPositive();
    assertThat((long) committed(name).size())
        .as("the equation: spans in")
        .isEqualTo(out.size() + dead.size() + sum(dropped) + input.duplicates());
  }

  /** Runs the job to its end, and returns the sums of its counters over all subtasks. */
  private static Map<String, Long> run(Configuration options, int parallelism) throws Exception {
    InMemoryReporter metrics = InMemoryReporter.createWithRetainedMetrics();
    Configuration flink = metrics.addToConfiguration(new Configuration());
    flink.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(16));
    try (MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumSlotsPerTaskManager(parallelism)
                .withRandomPorts()
                .build())) {
      cluster.start();
      JobID job = cluster.submitJob(graph(options, parallelism)).get().getJobID();
      cluster
          .requestJobResult(job)
          .get()
          .toJobExecutionResult(AccountingITCase.class.getClassLoader());
      return COUNTERS.stream()
          .collect(Collectors.toMap(counter -> counter, counter -> sum(metrics, job, counter)));
    }
  }

  private static StreamGraph graph(Configuration options, int parallelism) {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setParallelism(parallelism);
    env.enableCheckpointing(300);
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    return env.getStreamGraph();
  }

  private static Configuration options(String name) {
    Configuration options = servers.options(name);
    options.setString("dead-letter.topic", name + "-dead");
    options.setString("outcomes.topic", name + "-outcomes");
    options.setString("segment.late-grace", "30 s");
    options.setString(
        "ingest.drop",
        "%d; %s; organization:%d".formatted(DROPPED_PROJECT, DROPPED_TRACE, DROPPED_ORGANIZATION));
    return options;
  }

  private static void createTopics(String name) {
    servers.createTopic(name, Servers.PARTITIONS);
    for (String topic : List.of("-segments", "-dead", "-outcomes")) {
      servers.createTopic(name + topic, 1);
    }
  }

  private static Input input(Random random) {
    List<Span> kept = kept(random);
    List<Span> dropped = dropped(random);
    List<Span> ofOrganization = ofDroppedOrganization(random);
    List<Sent> sent = new ArrayList<>();
    kept.forEach(span -> sent.add(sent(span, 1)));
    dropped.forEach(span -> sent.add(sent(span, 1)));
    ofOrganization.forEach(span -> sent.add(sent(span, DROPPED_ORGANIZATION)));
    for (int i = 0; i < BAD_RECORDS; i++) {
      sent.add(new Sent(RandomTraces.START + 100L * i, BAD.get(i % BAD.size())));
    }
    sent.sort(Comparator.comparingLong(Sent::timestamp));
    Set<String> out = new HashSet<>();
    kept.forEach(span -> out.add(span.trace() + " " + Hex.id(span.spanId())));
    Map<String, Long> quantities = new TreeMap<>();
    dropped.forEach(span -> quantities.merge("1:" + span.trace().projectId(), 1L, Long::sum));
    ofOrganization.forEach(
        span -> quantities.merge("9:" + span.trace().projectId(), 1L, Long::sum));
    return new Input(sent, out, (long) kept.size() - out.size(), quantities);
  }

  /** Spans of several projects, some ids twice; one trace is dropped in another project. */
  private static List<Span> kept(Random random) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      TraceKey trace = new TraceKey(1 + random.nextInt(3), random.nextLong(), i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.DENSE, true));
    }
    TraceKey elsewhere = new TraceKey(3, DROPPED_TRACE.traceHigh(), DROPPED_TRACE.traceLow());
    spans.addAll(RandomTraces.trace(elsewhere, random, Pace.DENSE, true));
    return spans;
  }

  /** Spans of the dropped project, and of the dropped trace. */
  private static List<Span> dropped(Random random) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      TraceKey trace = new TraceKey(DROPPED_PROJECT, random.nextLong(), i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.DENSE, true));
    }
    spans.add(Spans.root(DROPPED_TRACE, 1, RandomTraces.START, 0));
    spans.add(Spans.child(DROPPED_TRACE, 2, 1, 1_000_500, 1));
    return spans;
  }

  /** Spans of projects that are kept for other organizations. */
  private static List<Span> ofDroppedOrganization(Random random) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      TraceKey trace = new TraceKey(1 + random.nextInt(3), random.nextLong(), 1_000 + i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.DENSE, true));
    }
    return spans;
  }

  private static Sent sent(Span span, long organization) {
    String json =
        SpanRecords.json(span)
            .replace("\"organization_id\":1,", "\"organization_id\":" + organization + ",");
    return new Sent(span.timestamp(), json.getBytes(UTF_8));
  }

  /** Sends records in their order, to any partitions. */
  private static void send(String topic, List<Sent> records, Random random) {
    try (KafkaProducer<byte[], byte[]> producer =
        SpanRecords.producer(servers.bootstrapServers())) {
      for (Sent sent : records) {
        int partition = random.nextInt(Servers.PARTITIONS);
        producer.send(new ProducerRecord<>(topic, partition, sent.timestamp(), null, sent.value()));
      }
      producer.flush();
    }
  }

  private static List<String> spansOut(String name) throws Exception {
    List<String> spans = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> message : committed(name + "-segments")) {
      for (JsonNode span : JSON.readTree(message.value()).get("spans")) {
        spans.add(new String(message.key(), UTF_8) + " " + span.get("span_id").textValue());
      }
    }
    return spans;
  }

  /** The number of dropped spans in outcomes, by organization and project. */
  private static Map<String, Long> outcomes(String name) throws Exception {
    Map<String, Long> quantities = new TreeMap<>();
    for (ConsumerRecord<byte[], byte[]> record : committed(name + "-outcomes")) {
      JsonNode outcome = JSON.readTree(record.value());
      assertThat(outcome.get("reason").textValue()).isEqualTo("dropped");
      assertThat(outcome.get("outcome").intValue()).isEqualTo(3);
      quantities.merge(
          outcome.get("org_id").longValue() + ":" + outcome.get("project_id").longValue(),
          outcome.get("quantity").longValue(),
          Long::sum);
    }
    return quantities;
  }

  private static long sum(Map<String, Long> quantities) {
    return quantities.values().stream().mapToLong(Long::longValue).sum();
  }

  private static List<ConsumerRecord<byte[], byte[]>> committed(String topic) {
    try (CommittedRecords records = new CommittedRecords(servers.bootstrapServers(), topic)) {
      return records.all();
    }
  }

  /** Adds up a counter over all subtasks and operators that have it. */
  private static long sum(InMemoryReporter metrics, JobID job, String counter) {
    return metrics.getMetricsByIdentifiers(job).entrySet().stream()
        .filter(entry -> entry.getKey().endsWith("." + counter))
        .mapToLong(entry -> ((Counter) entry.getValue()).getCount())
        .sum();
  }
}
