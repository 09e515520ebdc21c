package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.segment.SegmentChunker;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.HostileKind;
import io.spanfold.testing.HostileRecords;
import io.spanfold.testing.HostileRecords.Sample;
import io.spanfold.testing.HostileTable;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Malicious records through the whole job, on real servers. */
class HostileInputITCase {

  private static final int RECORDS = 20_000;
  private static final int CHUNK_BYTES = 500_000;
  private static final String NAME = "hostile";

  /** Accepts every record that the job accepts. */
  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder()
                      .maxNumberLength(Integer.MAX_VALUE)
                      .maxNameLength(Integer.MAX_VALUE)
                      .build())
              .build());

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
  @Timeout(180)
  void everyGoodSpanIsEmittedOnceAndEveryBadRecordIsADeadLetterWithItsReason() throws Exception {
    servers.createTopic(NAME, Servers.PARTITIONS);
    servers.createTopic(NAME + "-segments", 1);
    servers.createTopic(NAME + "-dead", 1);
    List<Sample> samples = send();

    run();

    List<Sample> good = samples.stream().filter(sample -> sample.span() != null).toList();
    Map<TraceKey, NaiveFold> folded =
        SegmentParts.fold(
            // So long that nothing is due before the end, by any clock.
            new FoldSettings(1L << 50, 1L << 50, 1L << 50, 1L << 50, Long.MAX_VALUE),
            good.stream()
                // Excluded: their parts depend on timing, so any part is accepted below.
                .filter(sample -> sample.kind() != HostileKind.WILD_TIMESTAMP)
                .map(Sample::span)
                .toList());
    Map<Long, Sample> byNumber = new HashMap<>();
    samples.forEach(sample -> byNumber.put(sample.number(), sample));
    Map<Long, String> expected = expected(folded);
    good.stream()
        .filter(sample -> sample.kind() == HostileKind.WILD_TIMESTAMP)
        .forEach(sample -> expected.put(sample.number(), line(sample.span(), "any")));
    HostileTable table = new HostileTable();
    Map<Long, String> out = out(byNumber, table);
    assertThat(out).isEqualTo(expected);
    good.stream()
        .filter(sample -> !out.containsKey(sample.number()))
        .forEach(sample -> table.add(sample.kind(), "duplicate"));
    int dead = countDeadLetters(byNumber, table);

    System.out.println(table);
    assertThat(table.hasAllKinds()).isTrue();
    long duplicates = folded.values().stream().mapToLong(fold -> fold.duplicates).sum();
    assertThat((long) samples.size())
        .as("the equation: records in")
        .isEqualTo(out.size() + dead + duplicates);
    assertThat(committed("outcomes")).isEmpty();
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  /** Sends each trace to one partition, so that the first of two duplicates is known. */
  private static List<Sample> send() throws Exception {
    long now = System.currentTimeMillis();
    HostileRecords records =
        new HostileRecords(
            3,
            SegmentChunker.maxRecordBytes(CHUNK_BYTES),
            1_000,
            now,
            0,
            1,
            now - 86_400_000,
            now + 100_000,
            now + 3_000_000);
    List<Sample> samples = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer =
        SpanRecords.producer(servers.bootstrapServers())) {
      for (int scene = 0; samples.size() < RECORDS; scene++) {
        for (Sample sample : records.next()) {
          samples.add(sample);
          byte[] number = Long.toString(sample.number()).getBytes(UTF_8);
          producer.send(
              new ProducerRecord<>(
                  NAME, scene % Servers.PARTITIONS, sample.timestamp(), number, sample.value()));
        }
      }
      producer.flush();
    }
    assertThat(committed(NAME)).as("records that Kafka took").hasSameSizeAs(samples);
    return samples;
  }

  /** Runs the job to its end without restarts, so any failure fails the test. */
  private static void run() throws Exception {
    Configuration flink = new Configuration();
    flink.setString("restart-strategy.type", "none");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2, flink);
    env.enableCheckpointing(500);
    Configuration options = servers.options(NAME);
    options.setString("source.bounded", "true");
    options.setString("dead-letter.topic", NAME + "-dead");
    options.setString("segment.timeout", "10 min");
    options.setString("segment.root-timeout", "10 min");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), CHUNK_BYTES);
    env.execute(NAME);
  }

  private static Map<Long, String> expected(Map<TraceKey, NaiveFold> folded) {
    Map<Long, String> lines = new TreeMap<>();
    folded.values().stream()
        .flatMap(fold -> fold.flushed.stream())
        .forEach(
            part ->
                part.spans()
                    .forEach(
                        span -> lines.put(span.offset(), line(span, Hex.id(part.segmentId())))));
    return lines;
  }

  private static String line(Span span, String segment) {
    return span.trace() + " " + segment + " " + Hex.id(span.spanId());
  }

  private static Map<Long, String> out(Map<Long, Sample> samples, HostileTable table)
      throws Exception {
    Map<Long, String> lines = new TreeMap<>();
    for (ConsumerRecord<byte[], byte[]> message : committed(NAME + "-segments")) {
      assertThat(message.value().length).isLessThanOrEqualTo(CHUNK_BYTES);
      for (JsonNode span : JSON.readTree(message.value()).get("spans")) {
        long number = span.get("n").longValue();
        HostileKind kind = samples.get(number).kind();
        String segment =
            kind == HostileKind.WILD_TIMESTAMP
                ? "any"
                : span.get("attributes").get("sentry.segment.id").get("value").textValue();
        String line =
            "%s %s %s"
                .formatted(
                    new String(message.key(), UTF_8),
                    segment,
                    Hex.id(Long.parseUnsignedLong(span.get("span_id").textValue(), 16)));
        assertThat(lines.put(number, line)).as("record %d came before", number).isNull();
        table.add(kind, "out");
      }
    }
    return lines;
  }

  private static int countDeadLetters(Map<Long, Sample> samples, HostileTable table) {
    List<ConsumerRecord<byte[], byte[]>> letters = committed(NAME + "-dead");
    for (ConsumerRecord<byte[], byte[]> letter : letters) {
      Sample sample = samples.get(Long.parseLong(new String(letter.key(), UTF_8)));
      String reason = new String(letter.headers().lastHeader("spanfold-reason").value(), UTF_8);
      assertThat(sample.reasons()).as(sample.kind().words()).contains(reason);
      assertThat(letter.value()).isEqualTo(sample.value());
      table.add(sample.kind(), reason);
    }
    assertThat(letters.stream().map(letter -> new String(letter.key(), UTF_8)))
        .doesNotHaveDuplicates();
    return letters.size();
  }

  private static List<ConsumerRecord<byte[], byte[]>> committed(String topic) {
    try (CommittedRecords records = new CommittedRecords(servers.bootstrapServers(), topic)) {
      return records.all();
    }
  }
}
