package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole job on real servers, with a producer that writes in transactions. */
class UpstreamTransactionITCase {

  private static final long TIMEOUT_MILLIS = 2_000;

  /** Less than the timeout, so that no part is due before the last span. */
  private static final long SPAN_INTERVAL_MILLIS = 1_000;

  /** So many that their transaction stays open for several times the timeout. */
  private static final int SPANS = 10;

  private static final FoldSettings SETTINGS =
      new FoldSettings(TIMEOUT_MILLIS, TIMEOUT_MILLIS, 900_000, 60_000, Long.MAX_VALUE);

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
  void spansThatWaitForTheCommitOfTheirTransactionAreNotLate() throws Exception {
    JobClient job = startReading("committed");
    List<Span> spans = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer = producer("committed")) {
      producer.beginTransaction();
      spans.add(send(producer, "committed", 1));
      producer.commitTransaction();
      producer.beginTransaction();
      for (int id = 2; id <= SPANS; id++) {
        // The producer's pace, which is what is tested: the wall clock passes the timeout.
        Await.millis(SPAN_INTERVAL_MILLIS);
        spans.add(send(producer, "committed", id));
      }
      producer.commitTransaction();

      assertThat(committed("committed", SPANS))
          .isEqualTo(SegmentParts.expected(SegmentParts.fold(SETTINGS, spans)));
    } finally {
      job.cancel().get();
    }
  }

  @Test
  @Timeout(180)
  void anAbortedTransactionHoldsBackNothing() throws Exception {
    JobClient job = startReading("aborted");
    try (KafkaProducer<byte[], byte[]> producer = producer("aborted")) {
      producer.beginTransaction();
      Span span = send(producer, "aborted", 1);
      producer.commitTransaction();
      producer.beginTransaction();
      send(producer, "aborted", 2);
      producer.abortTransaction();

      assertThat(committed("aborted", 1))
          .isEqualTo(SegmentParts.expected(SegmentParts.fold(SETTINGS, List.of(span))));
    } finally {
      job.cancel().get();
    }
  }

  /** Starts the job and returns when it has read a first record, and emitted it. */
  private static JobClient startReading(String name) throws Exception {
    servers.createTopic(name, 1);
    servers.createTopic(name + "-segments", 1);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
    env.enableCheckpointing(300);
    Configuration options = servers.options(name);
    options.setString("segment.timeout", TIMEOUT_MILLIS + " ms");
    options.setString("segment.root-timeout", TIMEOUT_MILLIS + " ms");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    Span first = Spans.root(new TraceKey(1, 1, 1), 1, System.currentTimeMillis(), 0);
    SpanRecords.send(servers.bootstrapServers(), name, 1, List.of(first));
    JobClient job = env.executeAsync(name);
    servers.awaitConsumed(name, name);
    return job;
  }

  private static KafkaProducer<byte[], byte[]> producer(String transactionalId) {
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                servers.bootstrapServers(),
                "transactional.id",
                transactionalId),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    producer.initTransactions();
    return producer;
  }

  /** Sends span {@code id} of one trace now: the root is 1, the others are its children. */
  private static Span send(KafkaProducer<byte[], byte[]> producer, String topic, int id)
      throws Exception {
    TraceKey trace = new TraceKey(2, 2, 2);
    long now = System.currentTimeMillis();
    Span span = id == 1 ? Spans.root(trace, 1, now, id) : Spans.child(trace, id, 1, now, id);
    byte[] json = SpanRecords.json(span).getBytes(UTF_8);
    producer.send(new ProducerRecord<>(topic, 0, now, null, json)).get();
    return span;
  }

  /** Returns the parts that were emitted of the transactions' trace, once they have all spans. */
  private static List<String> committed(String name, int spans) {
    try (CommittedRecords segments =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      segments.readUntil(seen -> spansIn(ofTransactions(seen)) >= spans);
      return SegmentParts.committed(ofTransactions(segments.all()));
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> ofTransactions(
      List<ConsumerRecord<byte[], byte[]>> messages) {
    return messages.stream()
        .filter(message -> new String(message.key(), UTF_8).startsWith("2:"))
        .toList();
  }

  private static int spansIn(List<ConsumerRecord<byte[], byte[]>> messages) {
    return messages.stream()
        .mapToInt(message -> new String(message.value(), UTF_8).split("\"span_id\"", -1).length - 1)
        .sum();
  }
}
