package io.spanfold.local.kafka;

import io.spanfold.local.cli.FailedRunException;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;

/** Reads the committed records of topics from their beginning. For use by one thread. */
public final class TopicReader implements AutoCloseable {

  /** Receives records. */
  public interface Sink {
    void accept(ConsumerRecord<byte[], byte[]> committed) throws IOException;
  }

  private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(60);

  private final KafkaConsumer<byte[], byte[]> committed;
  private final KafkaConsumer<byte[], byte[]> uncommitted;
  private final Collection<String> topics;
  private final Sink sink;

  public TopicReader(String bootstrapServers, Collection<String> topics, Sink sink) {
    this.topics = topics;
    this.sink = sink;
    committed = KafkaClients.consumer(bootstrapServers, topics, IsolationLevel.READ_COMMITTED);
    uncommitted = KafkaClients.consumer(bootstrapServers, topics, IsolationLevel.READ_UNCOMMITTED);
  }

  /** Passes the available records to the sink. Waits up to {@code timeout} for the first. */
  public void poll(Duration timeout) throws IOException {
    for (ConsumerRecord<byte[], byte[]> next : committed.poll(timeout)) {
      sink.accept(next);
    }
  }

  /**
   * Passes all records up to the current ends of the topics to the sink.
   *
   * @throws FailedRunException if an open transaction hides records for 60 s
   */
  public void drain() throws IOException {
    Map<TopicPartition, Long> ends = uncommitted.endOffsets(uncommitted.assignment());
    long deadline = System.nanoTime() + DRAIN_TIMEOUT.toNanos();
    while (ends.entrySet().stream().anyMatch(e -> committed.position(e.getKey()) < e.getValue())) {
      if (System.nanoTime() > deadline) {
        throw new FailedRunException(
            "records in %s are still not committed %d s after the job ended"
                .formatted(topics, DRAIN_TIMEOUT.toSeconds()));
      }
      poll(Duration.ofMillis(200));
    }
  }

  @Override
  public void close() {
    committed.close();
    uncommitted.close();
  }
}
