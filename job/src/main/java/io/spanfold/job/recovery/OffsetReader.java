package io.spanfold.job.recovery;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.source.SourceRecordSchema;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads single records of a topic by their positions.
 *
 * <p>It reads one partition after another, each once from its first wanted offset to its last. It
 * reads through narrow gaps and seeks over wide ones. It holds one fetch in memory.
 *
 * <p>Not thread-safe; blocks its thread.
 */
public final class OffsetReader implements AutoCloseable {

  /**
   * The records in a gap that make a seek worthwhile. A seek discards what was fetched and waits
   * for another fetch, so the gap must be about as long as a fetch.
   */
  static final int JUMP_RECORDS = 500;

  private static final int FETCH_BYTES = 512 * 1024;
  private static final String FETCH_WAIT_MILLIS = "50";
  private static final Duration POLL = Duration.ofSeconds(1);
  private static final Duration CLOSE = Duration.ofSeconds(2);

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final String topic;
  private final Duration timeout;

  /** Makes a reader that owns {@code consumer}, made with {@link #properties}. */
  OffsetReader(KafkaConsumer<byte[], byte[]> consumer, PayloadRecoverySettings settings) {
    this.consumer = consumer;
    this.topic = settings.topic();
    this.timeout = settings.timeout();
  }

  /**
   * Connects to Kafka.
   *
   * @throws PayloadRecoveryException if Kafka's client refuses its properties
   */
  public static OffsetReader open(PayloadRecoverySettings settings) {
    try {
      return new OffsetReader(
          new KafkaConsumer<>(
              properties(settings), new ByteArrayDeserializer(), new ByteArrayDeserializer()),
          settings);
    } catch (KafkaException e) {
      throw new PayloadRecoveryException(
          "Cannot make a consumer of %s to read lost payloads again (%s); check kafka.properties."
              .formatted(settings.topic(), e.getMessage()),
          e);
    }
  }

  /**
   * Returns the properties of the consumer: the user's, overridden by those that reading by
   * position demands.
   */
  static Properties properties(PayloadRecoverySettings settings) {
    // Without a reset: a record that is gone must not be taken for another one.
    Properties properties =
        KafkaClientProperties.consumer(settings.kafka(), "read_committed", "none");
    properties.setProperty(
        ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, Integer.toString(FETCH_BYTES));
    properties.setProperty(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, Integer.toString(FETCH_BYTES));
    properties.setProperty(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, Integer.toString(JUMP_RECORDS));
    // All that is asked for is there already. A prefetch at a topic's end would
    // hold up the next partition's.
    properties.setProperty(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, "1");
    properties.setProperty(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, FETCH_WAIT_MILLIS);
    return properties;
  }

  /**
   * Reads the records at {@code wanted} and passes those that exist to {@code visitor}, in order
   * and each once. A record that was not passed when this returns is lost permanently: deleted,
   * compacted away, or beyond the end of a topic that was created again.
   *
   * @throws PayloadRecoveryException if Kafka fails, or makes no progress for the settings'
   *     timeout; some records may have been passed by then
   */
  public void read(SortedSet<SourcePosition> wanted, Consumer<SourceRecord> visitor)
      throws InterruptedException {
    Map<Integer, List<SourcePosition>> partitions =
        wanted.stream().collect(groupingBy(SourcePosition::partition, TreeMap::new, toList()));
    try {
      for (Map.Entry<Integer, List<SourcePosition>> entry : partitions.entrySet()) {
        long[] offsets =
            entry.getValue().stream().mapToLong(SourcePosition::offset).distinct().toArray();
        new PartitionRun(new TopicPartition(topic, entry.getKey()), offsets).read(visitor);
      }
      consumer.unsubscribe();
    } catch (InterruptException e) {
      // Without the flag, so that the consumer can still be closed.
      Thread.interrupted();
      throw new InterruptedException("interrupted while reading again from " + topic);
    } catch (KafkaException e) {
      throw failed(e.toString(), e);
    }
  }

  private PayloadRecoveryException failed(String what, Throwable cause) {
    return new PayloadRecoveryException(
        ("Records of %s could not be read again (%s); the job retries after the"
                + " restart. Check that it can reach the brokers and may read the topic.")
            .formatted(topic, what),
        cause);
  }

  @Override
  public void close() {
    consumer.close(CloseOptions.timeout(CLOSE));
  }

  /** The pass over one partition. */
  private final class PartitionRun {
    private final TopicPartition partition;
    private final long[] offsets;

    /** The first offset that was neither passed to the visitor nor found to be gone. */
    private int next;

    /** The end of the offsets that the log may have. */
    private int end;

    private long progressAt = System.nanoTime();

    PartitionRun(TopicPartition partition, long[] offsets) {
      this.partition = partition;
      this.offsets = offsets;
    }

    void read(Consumer<SourceRecord> visitor) {
      consumer.assign(List.of(partition));
      startAgain();
      while (next < end) {
        long before = consumer.position(partition);
        int nextBefore = next;
        try {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
            passTo(record.offset());
            if (next < end && offsets[next] == record.offset()) {
              visitor.accept(SourceRecordSchema.record(record));
              next++;
            }
          }
          long position = consumer.position(partition);
          passTo(position);
          if (next < end && offsets[next] - position > JUMP_RECORDS) {
            consumer.seek(partition, offsets[next]);
          }
        } catch (OffsetOutOfRangeException e) {
          // Retention has deleted the position in the meantime.
          startAgain();
        }
        checkProgress(next > nextBefore || consumer.position(partition) > before);
      }
    }

    /** Skips what is before {@code offset} and was not read: the log does not have it. */
    private void passTo(long offset) {
      while (next < end && offsets[next] < offset) {
        next++;
      }
    }

    private void startAgain() {
      List<TopicPartition> asked = List.of(partition);
      long logStart = consumer.beginningOffsets(asked, timeout).get(partition);
      long logEnd = consumer.endOffsets(asked, timeout).get(partition);
      next = Math.max(next, firstFrom(logStart));
      end = firstFrom(logEnd);
      if (next < end) {
        consumer.seek(partition, offsets[next]);
      }
    }

    private int firstFrom(long offset) {
      int at = Arrays.binarySearch(offsets, offset);
      return at >= 0 ? at : -at - 1;
    }

    private void checkProgress(boolean made) {
      long now = System.nanoTime();
      if (made) {
        progressAt = now;
      } else if (now - progressAt > timeout.toNanos()) {
        throw failed(
            "partition %d gave no record from offset %d for %d s"
                .formatted(
                    partition.partition(),
                    offsets[next],
                    TimeUnit.NANOSECONDS.toSeconds(now - progressAt)),
            null);
      }
    }
  }
}
