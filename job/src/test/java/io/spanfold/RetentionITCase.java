package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.Jobs;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.LongStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The whole job on real servers, down for so long that retention deletes records that it has not
 * read, but not all of them.
 */
class RetentionITCase {

  private static final long PROBES = 1;
  private static final long SPANS = 2;
  private static final int SENT = 100;
  private static final int DELETED = 50;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static Servers servers;
  private static Admin admin;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
    admin = Admin.create(Map.of("bootstrap.servers", servers.bootstrapServers()));
  }

  @AfterAll
  static void stop() {
    admin.close();
    servers.close();
  }

  /** The starting offsets are for a job without state. */
  @ParameterizedTest
  @ValueSource(strings = {"committed", "latest"})
  @Timeout(180)
  void aRestoredJobReadsWhatIsLeftAndReportsHowManyRecordsAreGone(String startingOffsets)
      throws Exception {
    String name = "retention-" + startingOffsets;
    servers.createTopic(name, 1);
    servers.createTopic(name + "-segments", 1);
    servers.createTopic(name + "-outcomes", 1);
    JobClient job = submit(name, startingOffsets, null);
    long read = probeUntilItReads(name);
    String savepoint = Jobs.stopWithSavepoint(job, directory, false);

    send(name, SPANS, 0, SENT);
    admin
        .deleteRecords(
            Map.of(new TopicPartition(name, 0), RecordsToDelete.beforeOffset(read + DELETED)))
        .all()
        .get();
    job = submit(name, startingOffsets, savepoint);

    try (CommittedRecords segments =
            new CommittedRecords(servers.bootstrapServers(), name + "-segments");
        CommittedRecords outcomes =
            new CommittedRecords(servers.bootstrapServers(), name + "-outcomes")) {
      segments.readUntil(seen -> emitted(seen).size() >= SENT - DELETED);
      assertThat(emitted(segments.all()))
          .containsExactlyInAnyOrderElementsOf(LongStream.range(DELETED, SENT).boxed().toList());
      assertThat(outcomes.readUntil(seen -> !seen.isEmpty())).as("an outcome in time").isTrue();
      assertThat(outcomes.all())
          .singleElement()
          .satisfies(
              outcome -> {
                JsonNode value = JSON.readTree(outcome.value());
                assertThat(value.get("reason").textValue()).isEqualTo("offsets-lost");
                assertThat(value.get("quantity").intValue()).isEqualTo(DELETED);
              });
    } finally {
      job.cancel().get();
    }
  }

  /**
   * Sends records until the job has read one: with {@code latest}, it skips those that were sent
   * before it knew the end of the topic.
   *
   * @return the offset up to which it has read everything
   */
  private static long probeUntilItReads(String name) throws Exception {
    long probes = 0;
    do {
      send(name, PROBES, probes, probes + 1);
      probes++;
      Await.until(() -> hasRead(name), Duration.ofMillis(500));
    } while (!hasRead(name));
    servers.awaitConsumed(name, name);
    return probes;
  }

  private static boolean hasRead(String group) {
    try {
      return !admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().isEmpty();
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("the offsets of group " + group + " are unknown", e);
    }
  }

  /** Sends root spans from {@code from} to {@code to} - 1, each in a trace of its own. */
  private static void send(String topic, long project, long from, long to) {
    List<Span> spans = new ArrayList<>();
    for (long n = from; n < to; n++) {
      TraceKey trace = new TraceKey(project, 7, n + 1);
      spans.add(Spans.root(trace, n + 1, System.currentTimeMillis(), n));
    }
    SpanRecords.send(servers.bootstrapServers(), topic, 1, spans);
  }

  /** Returns the numbers of the spans that were emitted, without the probes. */
  private static List<Long> emitted(List<ConsumerRecord<byte[], byte[]>> messages) {
    List<Long> numbers = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> message : messages) {
      for (JsonNode span : read(message.value()).get("spans")) {
        if (span.get("project_id").longValue() == SPANS) {
          numbers.add(span.get("n").longValue());
        }
      }
    }
    return numbers;
  }

  private static JsonNode read(byte[] json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JobClient submit(String name, String startingOffsets, String savepoint)
      throws Exception {
    Configuration configuration = new Configuration();
    if (savepoint != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    env.enableCheckpointing(300);
    Configuration options = servers.options(name);
    options.setString("source.starting-offsets", startingOffsets);
    options.setString("outcomes.topic", name + "-outcomes");
    options.setString("segment.timeout", "1 s");
    options.setString("segment.root-timeout", "1 s");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    return env.executeAsync(name);
  }
}
