package io.spanfold.local.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.local.chaos.load.PlannedRecord;
import io.spanfold.local.kafka.KafkaClients;
import io.spanfold.local.kafka.Topics;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/** An open transaction in one partition of the source topic. Not thread-safe. */
final class UpstreamTransaction implements AutoCloseable {

  private static final int TIMEOUT_MILLIS = 300_000;

  private final int partition;
  private final KafkaProducer<byte[], byte[]> producer;

  /** Begins it; an earlier one with the same id is aborted if it is still open. */
  UpstreamTransaction(String bootstrapServers, String id, int partition) {
    this.partition = partition;
    this.producer =
        KafkaClients.producer(
            bootstrapServers,
            Map.of(
                ProducerConfig.TRANSACTIONAL_ID_CONFIG,
                "upstream-" + id,
                ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
                TIMEOUT_MILLIS));
    producer.initTransactions();
    producer.beginTransaction();
  }

  /** Returns when the broker has acknowledged the records. */
  void send(List<PlannedRecord> records) {
    for (PlannedRecord planned : records) {
      producer.send(
          new ProducerRecord<>(
              Topics.SPANS, partition, planned.key().getBytes(UTF_8), planned.value()));
    }
    producer.flush();
  }

  void commit() {
    producer.commitTransaction();
  }

  void abort() {
    producer.abortTransaction();
  }

  /** Aborts it if it is still open. */
  @Override
  public void close() {
    producer.close();
  }
}
