package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.record.AbstractRecords;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whether a topic accepts a record. This has to be known before the record is sent: a refused
 * record dooms its transaction, and the restarted job would send it again.
 *
 * <p>Both limits count: the producer's, which is on the size before compression, and the topic's,
 * which is on the size of a batch as the broker stores it. The record is compressed to find out.
 *
 * <p>The topic's limit is asked for when a large record comes, and is trusted for a minute. If it
 * is lowered in that minute, a record may be refused and the job restarts, once: then it is asked
 * for again. Without the right to ask, or if Kafka does not answer, it is the last one known, else
 * Kafka's default.
 *
 * <p>Not thread-safe; asking blocks the thread for some milliseconds, at most ten seconds.
 */
final class RecordSizeLimit {

  /** Every topic has to accept a record of this size, in bytes before compression. */
  static final int ALWAYS_ACCEPTED = 64 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(RecordSizeLimit.class);

  /** The default of {@code max.message.bytes}: 1 MiB and the overhead of a log entry. */
  private static final long DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024 + 12;

  private static final Duration TRUSTED = Duration.ofMinutes(1);
  private static final String TIMEOUT_MILLIS = "10000";

  /** Compressed data is larger than its input by less than this part of it, by any codec. */
  private static final int MOST_EXPANSION = 64;

  /**
   * What a topic accepts.
   *
   * @param batchBytes the largest batch
   * @param recompresses whether the broker compresses batches its own way
   */
  private record TopicLimit(long batchBytes, boolean recompresses) {}

  private final KafkaSettings clients;
  private final String topic;
  private final long producerBytes;
  private final Compression compression;
  private TopicLimit known = new TopicLimit(DEFAULT_MAX_MESSAGE_BYTES, false);
  private long askedAt;
  private boolean asked;

  /**
   * Makes a limit; asks nothing yet.
   *
   * @param maxValueBytes the largest value that the producers are made for
   */
  RecordSizeLimit(KafkaSettings clients, String topic, int maxValueBytes) {
    this.clients = clients;
    this.topic = topic;
    Properties producer = KafkaClientProperties.producer(clients, maxValueBytes);
    this.producerBytes =
        Math.min(
            number(producer, ProducerConfig.MAX_REQUEST_SIZE_CONFIG),
            number(producer, ProducerConfig.BUFFER_MEMORY_CONFIG));
    this.compression = compression(producer);
  }

  /** Returns whether the topic accepts {@code record}. */
  boolean accepts(ProducerRecord<byte[], byte[]> record) {
    // The estimate that the producer compares with its own limits.
    int bytes =
        AbstractRecords.estimateSizeInBytesUpperBound(
            RecordBatch.CURRENT_MAGIC_VALUE,
            compression.type(),
            record.key(),
            record.value(),
            record.headers().toArray());
    if (bytes <= ALWAYS_ACCEPTED) {
      return true;
    }
    if (bytes > producerBytes) {
      return false;
    }
    TopicLimit limit = limit();
    if (limit.recompresses() && bytes + bytes / MOST_EXPANSION > limit.batchBytes()) {
      return false;
    }
    return batchBytes(record) <= limit.batchBytes();
  }

  /** Returns the size of the batch that the producer sends if it holds this record only. */
  private int batchBytes(ProducerRecord<byte[], byte[]> record) {
    SimpleRecord only =
        new SimpleRecord(0, record.key(), record.value(), record.headers().toArray());
    return MemoryRecords.withRecords(compression, only).sizeInBytes();
  }

  private TopicLimit limit() {
    long now = System.nanoTime();
    if (!asked || now - askedAt > TRUSTED.toNanos()) {
      try {
        known = ask();
      } catch (KafkaException e) {
        LOG.warn(
            "The largest record that {} accepts is unknown ({}); the job assumes {} bytes. Grant"
                + " DescribeConfigs on the topic.",
            topic,
            e.getMessage(),
            known.batchBytes());
      }
      asked = true;
      askedAt = now;
    }
    return known;
  }

  private TopicLimit ask() {
    Properties properties = KafkaClientProperties.common(clients);
    properties.setProperty(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    properties.setProperty(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try (Admin admin = Admin.create(properties)) {
      Config config = admin.describeConfigs(List.of(resource)).values().get(resource).get();
      return new TopicLimit(
          Long.parseLong(config.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG).value()),
          !config.get(TopicConfig.COMPRESSION_TYPE_CONFIG).value().equals("producer"));
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KafkaException failure
          ? failure
          : new KafkaException(e.getCause());
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    }
  }

  private static long number(Properties properties, String name) {
    return Long.parseLong(properties.getProperty(name).strip());
  }

  /** Returns the compression of a producer with these properties. */
  private static Compression compression(Properties producer) {
    CompressionType type =
        CompressionType.forName(
            producer.getProperty(ProducerConfig.COMPRESSION_TYPE_CONFIG).strip());
    String level = producer.getProperty("compression.%s.level".formatted(type.name), "").strip();
    if (level.isEmpty()) {
      return Compression.of(type).build();
    }
    return switch (type) {
      case GZIP -> Compression.gzip().level(Integer.parseInt(level)).build();
      case LZ4 -> Compression.lz4().level(Integer.parseInt(level)).build();
      case ZSTD -> Compression.zstd().level(Integer.parseInt(level)).build();
      default -> Compression.of(type).build();
    };
  }
}
