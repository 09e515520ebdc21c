package io.spanfold.local.kafka;

import io.spanfold.local.cli.FailedRunException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Sends source records. The key is the trace id's text, so that all spans of a trace are in one
 * partition; a record without a trace id has no key. For use by one thread.
 */
public final class SpanProducer implements AutoCloseable {

  /** Room for what is sent during an outage: send() delays what follows once it is used up. */
  private static final long BUFFER_BYTES = 256 << 20;

  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicReference<Exception> failure = new AtomicReference<>();

  public SpanProducer(String bootstrapServers) {
    producer =
        KafkaClients.producer(
            bootstrapServers,
            Map.of(
                ProducerConfig.LINGER_MS_CONFIG,
                20,
                // Longer than any broker outage that a command causes.
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                600_000,
                // Otherwise an unreachable broker makes it forget the topic, and send() blocks.
                CommonClientConfigs.METADATA_RECOVERY_STRATEGY_CONFIG,
                "none",
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                Topics.MAX_SOURCE_RECORD_BYTES + Topics.RECORD_OVERHEAD_BYTES,
                ProducerConfig.BUFFER_MEMORY_CONFIG,
                BUFFER_BYTES));
  }

  /**
   * Queues one record. Blocks while the producer's buffer is full.
   *
   * @param value null for a tombstone
   * @throws FailedRunException if this or an earlier record could not be sent
   */
  public void send(Optional<String> traceId, long timestampMillis, byte[] value) {
    send(new ProducerRecord<>(Topics.SPANS, null, timestampMillis, key(traceId), value));
  }

  /**
   * Queues one record for a given partition. Blocks while the producer's buffer is full.
   *
   * @throws FailedRunException if this or an earlier record could not be sent
   */
  public void send(int partition, Optional<String> traceId, long timestampMillis, byte[] value) {
    send(new ProducerRecord<>(Topics.SPANS, partition, timestampMillis, key(traceId), value));
  }

  private static byte[] key(Optional<String> traceId) {
    return traceId.map(id -> id.getBytes(StandardCharsets.UTF_8)).orElse(null);
  }

  private void send(ProducerRecord<byte[], byte[]> span) {
    producer.send(
        span,
        (metadata, e) -> {
          if (e != null) {
            failure.compareAndSet(null, e);
          }
        });
    check();
  }

  /**
   * Returns when the broker has acknowledged all records.
   *
   * @throws FailedRunException if a record could not be sent
   */
  public void flush() {
    producer.flush();
    check();
  }

  private void check() {
    Exception e = failure.get();
    if (e != null) {
      throw new FailedRunException("a span was not sent: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(2));
  }
}
