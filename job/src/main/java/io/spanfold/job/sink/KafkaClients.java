package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig;
import java.io.Serializable;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Makes the clients that follow up a refused transaction. Each belongs to whoever asked for it.
 *
 * @param common for every client; may hold secrets
 * @param producer for producers, as the sink's own have them
 */
record KafkaClients(Properties common, Properties producer) implements Serializable {

  private static final long serialVersionUID = 1L;

  private static final String FETCH_BYTES = Integer.toString(8 * 1024 * 1024);

  static KafkaClients of(SpanfoldConfig config, int maxValueBytes) {
    Properties common = new Properties();
    config.kafka().properties().forEach(common::setProperty);
    common.setProperty(
        AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    return new KafkaClients(common, KafkaSinks.producerProperties(config, maxValueBytes));
  }

  Admin admin() {
    return Admin.create(common);
  }

  /**
   * Returns a consumer of no group.
   *
   * @param isolation {@code read_committed} or {@code read_uncommitted}
   */
  KafkaConsumer<byte[], byte[]> consumer(String isolation) {
    Properties properties = copy(common);
    properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
    properties.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
    properties.putAll(
        Map.of(
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
            "false",
            ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
            "false",
            ConsumerConfig.ISOLATION_LEVEL_CONFIG,
            isolation,
            // Retention may pass the place where reading goes on.
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
            "earliest",
            ConsumerConfig.FETCH_MAX_BYTES_CONFIG,
            FETCH_BYTES));
    return new KafkaConsumer<>(
        properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  KafkaProducer<byte[], byte[]> producer(String transactionalId) {
    Properties properties = copy(producer);
    properties.setProperty(ProducerConfig.TRANSACTIONAL_ID_CONFIG, transactionalId);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  @Override
  public String toString() {
    return "KafkaClients of " + common.getProperty(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG);
  }

  private static Properties copy(Properties properties) {
    Properties copy = new Properties();
    copy.putAll(properties);
    return copy;
  }
}
