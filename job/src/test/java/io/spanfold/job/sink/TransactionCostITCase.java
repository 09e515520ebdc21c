package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Reject;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.testing.KafkaUnderTest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.runtime.operators.sink.SinkWriterOperatorFactory;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a sink's writer leaves in a broker: the figures in docs/operations/kafka.md. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class TransactionCostITCase {

  private static final int CHECKPOINTS = 200;
  private static final int BROKER = 1;

  private KafkaUnderTest broker;
  private Admin admin;
  private OneInputStreamOperatorTestHarness<Reject, CommittableMessage<Object>> writer;

  @BeforeEach
  void start() throws Exception {
    broker = KafkaUnderTest.start();
    broker.createTopic("ingest-spans-dlq", 1);
    broker.createTopic("outcomes", 1);
    admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()));
    writer = openWriter();
  }

  @AfterEach
  void stop() throws Exception {
    writer.close();
    admin.close();
    broker.close();
  }

  /** An id that is left out would hide transactions behind it from the next attempt. */
  @Test
  void anIdleCheckpointLeavesOneIdAndWritesNoRecord() throws Exception {
    int ids = transactionalIds().size();
    long state = bytes("__transaction_state");
    for (int checkpoint = 1; checkpoint <= CHECKPOINTS; checkpoint++) {
      checkpoint(checkpoint);
    }

    assertThat(transactionalIds()).hasSize(ids + CHECKPOINTS);
    long perCheckpoint = (bytes("__transaction_state") - state) / CHECKPOINTS;
    assertThat(perCheckpoint).as("bytes").isBetween(100L, 200L);
    assertThat(bytes("ingest-spans-dlq")).isZero();
    assertThat(bytes("outcomes")).isZero();
  }

  private void checkpoint(long number) throws Exception {
    writer.prepareSnapshotPreBarrier(number);
    writer.snapshot(number, number);
    writer.getOutput().clear();
  }

  private OneInputStreamOperatorTestHarness<Reject, CommittableMessage<Object>> openWriter()
      throws Exception {
    SpanfoldConfig config =
        SpanfoldConfig.of(
            Configuration.fromMap(
                Map.of(
                    "kafka.bootstrap.servers",
                    broker.bootstrapServers(),
                    "redis.uri",
                    "redis://unused")));
    PayloadRecoverySettings source =
        new PayloadRecoverySettings(config.kafka(), "ingest-spans", Duration.ofMinutes(1));
    OneInputStreamOperatorTestHarness<Reject, CommittableMessage<Object>> harness =
        new OneInputStreamOperatorTestHarness<>(
            new SinkWriterOperatorFactory<Reject, Object>(
                new RecoverableKafkaSink<>(config, new RejectStrategy(config, source))));
    harness.open();
    return harness;
  }

  private Set<String> transactionalIds() throws Exception {
    return admin.listTransactions().all().get().stream()
        .map(TransactionListing::transactionalId)
        .collect(Collectors.toSet());
  }

  /** Returns the bytes of all partitions of a topic. */
  private long bytes(String topic) throws Exception {
    LogDirDescription directory =
        admin
            .describeLogDirs(List.of(BROKER))
            .allDescriptions()
            .get()
            .get(BROKER)
            .values()
            .iterator()
            .next();
    return directory.replicaInfos().entrySet().stream()
        .filter(replica -> replica.getKey().topic().equals(topic))
        .mapToLong(replica -> replica.getValue().size())
        .sum();
  }
}
