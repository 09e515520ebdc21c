package io.spanfold.job.kafka;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * Makes the properties of the job's Kafka clients. Each result is a new object, may hold secrets,
 * and may be changed by the caller.
 */
public final class KafkaClientProperties {

  private KafkaClientProperties() {}

  /**
   * Returns the properties of every client: the user's {@code kafka.properties.*} and the brokers.
   */
  public static Properties common(KafkaSettings kafka) {
    Properties properties = new Properties();
    kafka.properties().forEach(properties::setProperty);
    properties.setProperty(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    return properties;
  }

  /**
   * Returns the properties of a consumer that belongs to no group, commits no offsets and creates
   * no topics, so that it does not disturb the source's group.
   *
   * @param isolation {@code read_committed} or {@code read_uncommitted}
   * @param reset the position if an offset does not exist: {@code earliest}, or {@code none} to
   *     fail
   */
  public static Properties consumer(KafkaSettings kafka, String isolation, String reset) {
    Properties properties = common(kafka);
    properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
    properties.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
    properties.setProperty(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    properties.setProperty(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    properties.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
    properties.setProperty(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, reset);
    return properties;
  }

  /**
   * Returns the properties of a producer that accepts every record that the job makes: its limits
   * are the user's if these are large enough.
   *
   * @param maxValueBytes the largest value of a record
   */
  public static Properties producer(KafkaSettings kafka, int maxValueBytes) {
    Properties properties = new Properties();
    // Segments are JSON, which zstd compresses well. LZ4 would cost less CPU, but its library loads
    // native code only if the system's class loader has loaded it, which is not so in a Flink job.
    properties.setProperty(ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd");
    properties.setProperty(ProducerConfig.COMPRESSION_ZSTD_LEVEL_CONFIG, "1");
    // Several segments share a batch: they are alike, so they compress better together.
    properties.setProperty(ProducerConfig.BATCH_SIZE_CONFIG, String.valueOf(128 << 10));
    properties.setProperty(ProducerConfig.LINGER_MS_CONFIG, "20");
    properties.putAll(common(kafka));
    long request = (long) maxValueBytes + SpanfoldConfig.RECORD_OVERHEAD_BYTES;
    atLeast(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, request, 1024 * 1024, properties);
    atLeast(ProducerConfig.BUFFER_MEMORY_CONFIG, 2 * request, 32 * 1024 * 1024, properties);
    return properties;
  }

  private static void atLeast(String name, long least, long standard, Properties properties) {
    long given = Long.parseLong(properties.getProperty(name, Long.toString(standard)).strip());
    properties.setProperty(name, Long.toString(Math.max(given, least)));
  }
}
