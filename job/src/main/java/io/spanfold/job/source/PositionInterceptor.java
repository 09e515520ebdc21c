package io.spanfold.job.source;

import io.spanfold.job.time.PartitionProgress;
import io.spanfold.job.time.SourceClock;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Reports the consumer's positions to the clock of its task. A position is behind the transaction
 * markers and aborted records that a reader never sees, so it tells whether anything is left to
 * read; the offset of the last record does not. Runs in the consumer's thread, once a poll.
 */
public final class PositionInterceptor implements ConsumerInterceptor<byte[], byte[]> {

  private static final String CLOCK = "spanfold.source.clock";

  private String clock;

  /** Adds this interceptor to a consumer's properties, behind those that the user has given. */
  static void addTo(Properties consumer, String clock) {
    consumer.merge(
        ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG,
        PositionInterceptor.class.getName(),
        (given, ours) -> given + "," + ours);
    consumer.setProperty(CLOCK, clock);
  }

  @Override
  public void configure(Map<String, ?> properties) {
    clock = (String) properties.get(CLOCK);
  }

  @Override
  public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
    SourceClock.find(clock).ifPresent(found -> report(records, found));
    return records;
  }

  private static void report(ConsumerRecords<byte[], byte[]> records, SourceClock clock) {
    for (Map.Entry<TopicPartition, OffsetAndMetadata> next : records.nextOffsets().entrySet()) {
      PartitionProgress progress = clock.progress(next.getKey().partition());
      progress.fetched(
          records.records(next.getKey()).stream().mapToLong(ConsumerRecord::offset),
          next.getValue().offset(),
          System.nanoTime());
    }
  }

  @Override
  public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
    // Commits do not move a position.
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
