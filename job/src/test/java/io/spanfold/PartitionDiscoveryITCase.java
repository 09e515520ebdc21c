package io.spanfold;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A partition that the source topic gets while the job runs, on real servers. */
class PartitionDiscoveryITCase {

  private static final String NAME = "growing";

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  /** Flink's own default is five minutes, and the reader here waits for one. */
  @Test
  @Timeout(180)
  void spansOfANewPartitionComeOutWithinAMinute() throws Exception {
    servers.createTopic(NAME, 1);
    servers.createTopic(NAME + "-segments", 1);
    Configuration options = servers.options(NAME);
    options.setString("segment.root-timeout", "1 s");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, new Configuration());
    env.enableCheckpointing(300);
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    JobClient job = env.executeAsync(NAME);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers.bootstrapServers()));
        CommittedRecords segments =
            new CommittedRecords(servers.bootstrapServers(), NAME + "-segments")) {
      send(0);
      assertThat(segments.readUntil(all -> all.size() == 1)).as("the job runs").isTrue();
      admin.createPartitions(Map.of(NAME, NewPartitions.increaseTo(2))).all().get();
      send(1);

      assertThat(segments.readUntil(all -> all.size() == 2)).as("the partition is read").isTrue();
    } finally {
      job.cancel().get();
    }
  }

  /** Sends a root, of a trace of its own, to a partition. */
  private static void send(int partition) throws Exception {
    long now = System.currentTimeMillis();
    String json = SpanRecords.json(Spans.root(new TraceKey(1, 2, partition), 3, now, 0));
    try (KafkaProducer<byte[], byte[]> producer =
        SpanRecords.producer(servers.bootstrapServers())) {
      producer.send(new ProducerRecord<>(NAME, partition, null, json.getBytes(UTF_8))).get();
    }
  }
}
