package io.spanfold.local;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends source records. The key is the trace id's text, so that a trace keeps to one partition; a
 * line without one has no key. For use by one thread.
 */
final class SpanProducer implements AutoCloseable {

  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicReference<Exception> failure = new AtomicReference<>();

  SpanProducer(String bootstrapServers) {
    producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrapServers,
                ProducerConfig.LINGER_MS_CONFIG,
                20,
                ProducerConfig.BATCH_SIZE_CONFIG,
                1 << 18,
                // Of two batches on their way to a topic just made, the first was seen refused and
                // the
                // second taken; then the first, out of order by now, never was.
                ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
                1,
                // Longer than any outage of the broker that a run makes.
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                600_000,
                // Else a broker that is away makes it forget the topic, and sending would wait.
                CommonClientConfigs.METADATA_RECOVERY_STRATEGY_CONFIG,
                "none",
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                Topics.MAX_SOURCE_RECORD_BYTES + Topics.RECORD_OVERHEAD_BYTES,
                ProducerConfig.BUFFER_MEMORY_CONFIG,
                Topics.MAX_SOURCE_RECORD_BYTES + 2L * Topics.RECORD_OVERHEAD_BYTES),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  /**
   * Hands one record to the producer, waiting where it has too many in hand.
   *
   * @throws FailedRunException where this or an earlier record could not be sent
   */
  void send(Optional<String> traceId, long timestampMillis, byte[] value) {
    byte[] key = traceId.map(id -> id.getBytes(StandardCharsets.UTF_8)).orElse(null);
    producer.send(
        new ProducerRecord<>(Topics.SPANS, null, timestampMillis, key, value),
        (metadata, e) -> {
          if (e != null) {
            failure.compareAndSet(null, e);
          }
        });
    check();
  }

  /** Waits until the broker has all that was sent. */
  void flush() {
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
    producer.close(java.time.Duration.ofSeconds(2));
  }
}
