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
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole job on real servers, restored with smaller messages while large spans are buffered. */
class LoweredLimitITCase {

  private static final String NAME = "lowered";
  private static final TraceKey TRACE = new TraceKey(7, 1, 2);
  private static final int BEFORE = 500_000;
  private static final int AFTER = 100_000;

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
  @Timeout(180)
  void aBufferedSpanThatNoLongerFitsIsAnOutcomeAndTheRestOfItsSegmentIsEmitted() throws Exception {
    for (String topic : List.of("", "-segments", "-outcomes")) {
      servers.createTopic(NAME + topic, 1);
    }
    List<Span> spans =
        List.of(
            Spans.root(TRACE, 1, 1_000_000, 0),
            Spans.child(TRACE, 2, 1, 1_000_001, 1),
            Spans.child(TRACE, 3, 1, 1_000_002, 2));
    SpanRecords.send(
        Map.of("bootstrap.servers", servers.bootstrapServers()),
        NAME,
        1,
        spans,
        span -> span.spanId() == 2 ? 2 * AFTER : 0);

    JobClient first = submit(BEFORE, null);
    servers.awaitConsumed(NAME, NAME);
    String savepoint = stop(first, false);
    assertThat(committed("-segments")).as("flushed before the limit is lowered").isEmpty();
    stop(submit(AFTER, savepoint), true);

    ObjectMapper json = new ObjectMapper();
    assertThat(committed("-segments"))
        .singleElement()
        .satisfies(
            message -> {
              JsonNode segment = json.readTree(message.value());
              assertThat(segment.get("skip_enrichment").booleanValue()).isTrue();
              assertThat(segment.get("spans"))
                  .map(span -> span.get("span_id").textValue())
                  .containsExactly(Hex.id(1), Hex.id(3));
            });
    assertThat(committed("-outcomes"))
        .singleElement()
        .satisfies(
            outcome ->
                assertThat(new String(outcome.value(), UTF_8))
                    .contains("\"project_id\":7", "\"reason\":\"too-large\"", "\"quantity\":1"));
  }

  /** Starts the job without restarts, so any failure fails the test. */
  private static JobClient submit(int chunkBytes, String savepoint) throws Exception {
    Configuration flink = new Configuration();
    flink.setString("restart-strategy.type", "none");
    if (savepoint != null) {
      flink.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, flink);
    env.enableCheckpointing(300);
    Configuration options = servers.options(NAME);
    options.setString("outcomes.topic", NAME + "-outcomes");
    // So long that nothing is due before the job is drained.
    options.setString("segment.timeout", "10 min");
    options.setString("segment.root-timeout", "10 min");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), chunkBytes);
    return env.executeAsync(NAME);
  }

  private static String stop(JobClient job, boolean drain) throws Exception {
    while (true) {
      try {
        return job.stopWithSavepoint(
                drain, directory.toUri().toString(), SavepointFormatType.CANONICAL)
            .get();
      } catch (ExecutionException e) {
        // Not all tasks run yet.
        assertThat(job.getJobStatus().get().isGloballyTerminalState()).as("%s", e).isFalse();
      }
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> committed(String topic) {
    try (CommittedRecords records =
        new CommittedRecords(servers.bootstrapServers(), NAME + topic)) {
      return records.all();
    }
  }
}
