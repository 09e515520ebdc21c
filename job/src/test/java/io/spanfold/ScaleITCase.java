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
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Large and deep segments through the whole job, on real servers. */
class ScaleITCase {

  private static final int CHUNK_BYTES = 500_000;
  private static final int A_FEW = 100;
  private static final TraceKey TRACE = new TraceKey(1, 2, 3);
  private static final String ROOT = Hex.id(1);
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Servers servers;

  /** The duration of a job with a tiny input, in milliseconds. */
  private static long fixedMillis;

  private enum Shape {
    CHAIN_LEAF_FIRST,
    WIDE_ROOT_FIRST;

    /** Spans with the ids 1 to n of a segment, of which 1 is the root, a millisecond apart. */
    List<Span> spans(int count) {
      long start = System.currentTimeMillis() - 3_600_000;
      List<Span> spans = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        int id = this == CHAIN_LEAF_FIRST ? count - 1 - i : i;
        int parent = this == CHAIN_LEAF_FIRST ? id - 1 : 0;
        spans.add(
            id == 0
                ? Spans.root(TRACE, id + 1, start + i, i)
                : Spans.child(TRACE, id + 1, parent + 1, start + i, i));
      }
      return spans;
    }
  }

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
    run(Shape.WIDE_ROOT_FIRST, 10_000, 10_000, "warm-up");
    fixedMillis = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      fixedMillis = Math.min(fixedMillis, run(Shape.CHAIN_LEAF_FIRST, A_FEW, 10_000, "fixed-" + i));
    }
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @ParameterizedTest
  @CsvSource({
    "CHAIN_LEAF_FIRST, 1000, 1",
    "CHAIN_LEAF_FIRST, 10000, 1",
    "CHAIN_LEAF_FIRST, 1000, 10000",
    "CHAIN_LEAF_FIRST, 10000, 10000",
    "CHAIN_LEAF_FIRST, 100000, 10000",
    "WIDE_ROOT_FIRST, 1000, 10000",
    "WIDE_ROOT_FIRST, 10000, 10000",
    "WIDE_ROOT_FIRST, 100000, 10000"
  })
  void becomesOneSegmentWithEachSpanOnce(Shape shape, int spans, int maxSpans) throws Exception {
    String name =
        "%s-%d-%d".formatted(shape.name().toLowerCase(java.util.Locale.ROOT), spans, maxSpans);

    long millis = run(shape, spans, maxSpans, name);

    long more = millis - fixedMillis;
    System.out.printf(
        "%-18s %,8d spans, %,6d a batch: %,6d ms; %s%n",
        shape,
        spans,
        maxSpans,
        millis,
        more > fixedMillis / 10
            ? "%.1f us a span above the %d ms of %d spans"
                .formatted(1e3 * more / (spans - A_FEW), fixedMillis, A_FEW)
            : "no more than the %d ms of %d spans".formatted(fixedMillis, A_FEW));
    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      check(committed.all(), spans);
    }
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  private static void check(List<ConsumerRecord<byte[], byte[]>> messages, int spans)
      throws IOException {
    boolean[] seen = new boolean[spans];
    int count = 0;
    Map<String, List<Integer>> lengthsByPart = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> message : messages) {
      assertThat(message.value().length).isLessThanOrEqualTo(CHUNK_BYTES);
      assertThat(new String(message.key(), UTF_8)).isEqualTo(TRACE.toString());
      lengthsByPart
          .computeIfAbsent(header(message, "part"), part -> new ArrayList<>())
          .add(message.value().length);
      JsonNode value = JSON.readTree(message.value());
      assertThat(value.path("skip_enrichment").asBoolean()).isEqualTo(messages.size() > 1);
      for (JsonNode span : value.get("spans")) {
        int id = (int) Hex.parseId(span.get("span_id").textValue()) - 1;
        String segment = span.get("attributes").get("sentry.segment.id").get("value").textValue();
        if (seen[id]
            || !segment.equals(ROOT)
            || span.get("is_segment").booleanValue() != (id == 0)) {
          throw new AssertionError("seen before: " + seen[id] + ", or stamped wrongly: " + span);
        }
        seen[id] = true;
        count++;
      }
    }
    assertThat(count).isEqualTo(spans);
    assertThat(lengthsByPart.values())
        .as("no two messages of a part would have fitted into one")
        .allMatch(part -> part.stream().filter(bytes -> bytes < CHUNK_BYTES / 2).count() <= 1);
    for (ConsumerRecord<byte[], byte[]> message : messages) {
      assertThat(header(message, "chunks"))
          .isEqualTo(Integer.toString(lengthsByPart.get(header(message, "part")).size()));
    }
  }

  private static String header(ConsumerRecord<byte[], byte[]> message, String name) {
    return new String(message.headers().lastHeader(name).value(), UTF_8);
  }

  /** Returns how long the job took, in milliseconds. */
  private static long run(Shape shape, int spans, int maxSpans, String name) throws Exception {
    servers.createTopic(name, 1);
    servers.createTopic(name + "-segments", 1);
    SpanRecords.send(servers.bootstrapServers(), name, 1, shape.spans(spans));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
    env.enableCheckpointing(1_000);
    SpanfoldJob.build(env, SpanfoldConfig.of(options(name, maxSpans)), CHUNK_BYTES);
    return env.execute(name).getNetRuntime();
  }

  private static Configuration options(String name, int maxSpans) {
    Configuration options = servers.options(name);
    options.setString("source.bounded", "true");
    options.setString("ingest.batch.max-spans", Integer.toString(maxSpans));
    options.setString("segment.timeout", "10 d");
    options.setString("segment.root-timeout", "10 d");
    options.setString("segment.max-age", "12 h");
    options.setString("redis.ttl", "24 h");
    return options;
  }
}
