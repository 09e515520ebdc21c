package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole job on real servers, when Redis is wiped while everything waits in it. */
class PayloadLossITCase {

  /** So long that nothing is due before the job is drained. */
  private static final FoldSettings SETTINGS =
      new FoldSettings(600_000, 600_000, 3_000_000, 100_000, Long.MAX_VALUE);

  private static final long SEED = 7;

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
  void everySpanIsEmittedOnceAfterRedisIsWiped() throws Exception {
    List<Span> spans = traces(new Random(SEED));
    Map<TraceKey, NaiveFold> folded = SegmentParts.fold(SETTINGS, spans);

    drainAfter("wiped", spans, servers::wipeRedis);

    assertThat(SegmentParts.differences(SegmentParts.expected(folded), emitted("wiped"))).isEmpty();
    assertThat(outcomes("wiped")).isEmpty();
  }

  @Test
  @Timeout(120)
  void onlySpansThatKafkaDeletedBecomeOutcomes() throws Exception {
    List<Span> spans = traces(new Random(SEED + 1));
    Map<TraceKey, NaiveFold> folded = SegmentParts.fold(SETTINGS, spans);
    List<Span> ofPartition =
        spans.stream()
            .filter(span -> SpanRecords.partition(span, Servers.PARTITIONS) == 1)
            .toList();
    int half = ofPartition.size() / 2;
    Set<Span> deleted = Collections.newSetFromMap(new IdentityHashMap<>());
    deleted.addAll(ofPartition.subList(0, half));
    assertThat(cutTraces(ofPartition, half)).as("traces of which only some is lost").isPositive();

    drainAfter(
        "deleted",
        spans,
        () -> {
          servers.wipeRedis();
          deleteRecords("deleted", 1, half);
        });

    assertThat(
            SegmentParts.differences(
                SegmentParts.expected(folded, span -> !deleted.contains(span)), emitted("deleted")))
        .isEmpty();
    Map<String, Long> lost = new TreeMap<>();
    for (Span span : deleted) {
      lost.merge("1:" + span.trace().projectId(), 1L, Long::sum);
    }
    assertThat(outcomes("deleted")).isEqualTo(lost);
  }

  /** Runs the job until it has buffered all spans, causes the accident, and drains the job. */
  private static void drainAfter(String name, List<Span> spans, Accident accident)
      throws Exception {
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 1);
    servers.createTopic(name + "-outcomes", 1);
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(2, new Configuration());
    env.enableCheckpointing(300);
    SpanfoldJob.build(env, SpanfoldConfig.of(options(name)), 500_000);
    JobClient job = env.executeAsync(name);
    servers.awaitConsumed(name, name);
    Await.until(() -> servers.storedSpans() >= spans.size());
    assertThat(emitted(name)).as("flushed before the accident").isEmpty();
    accident.happen();
    job.stopWithSavepoint(true, directory.toUri().toString(), SavepointFormatType.CANONICAL).get();
  }

  private static void deleteRecords(String topic, int partition, long before) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers.bootstrapServers()))) {
      admin
          .deleteRecords(
              Map.of(new TopicPartition(topic, partition), RecordsToDelete.beforeOffset(before)))
          .all()
          .get();
    }
  }

  private static List<String> emitted(String name) {
    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      return SegmentParts.committed(committed.all());
    }
  }

  /** The number of spans in outcomes, by organization and project. */
  private static Map<String, Long> outcomes(String name) throws Exception {
    Map<String, Long> quantities = new TreeMap<>();
    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-outcomes")) {
      for (ConsumerRecord<byte[], byte[]> consumed : committed.all()) {
        JsonNode outcome = new ObjectMapper().readTree(consumed.value());
        assertThat(outcome.get("reason").textValue()).isEqualTo("payload-lost");
        quantities.merge(
            outcome.get("org_id").longValue() + ":" + outcome.get("project_id").longValue(),
            outcome.get("quantity").longValue(),
            Long::sum);
      }
    }
    return quantities;
  }

  private static long cutTraces(List<Span> spans, int at) {
    Set<TraceKey> before = new HashSet<>();
    spans.subList(0, at).forEach(span -> before.add(span.trace()));
    return spans.subList(at, spans.size()).stream()
        .map(Span::trace)
        .distinct()
        .filter(before::contains)
        .count();
  }

  private static List<Span> traces(Random random) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      TraceKey trace = new TraceKey(random.nextInt(5), random.nextLong(), i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.WITH_SOME_GAPS, false));
    }
    spans.sort(Comparator.comparingLong(Span::timestamp));
    return spans;
  }

  private static Configuration options(String name) {
    Configuration options = new Configuration();
    options.setString("kafka.bootstrap.servers", servers.bootstrapServers());
    options.setString("source.topic", name);
    options.setString("source.group.id", name);
    options.setString("sink.topic", name + "-segments");
    options.setString("outcomes.topic", name + "-outcomes");
    options.setString("sink.transactional-id-prefix", name);
    options.setString("redis.uri", servers.redisUri());
    options.setString("segment.timeout", "10 min");
    options.setString("segment.root-timeout", "10 min");
    options.setString("segment.max-age", "50 min");
    options.setString("segment.late-grace", "100 s");
    return options;
  }

  /** The failures of the servers. */
  private interface Accident {
    void happen() throws Exception;
  }
}
