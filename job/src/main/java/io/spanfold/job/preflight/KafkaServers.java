package io.spanfold.job.preflight;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.kafka.KafkaClientProperties;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;

/** Asks Kafka about brokers and topics. Each call waits ten seconds at most. */
final class KafkaServers implements AutoCloseable {

  private static final String TIMEOUT_MILLIS = "10000";

  private final Admin admin;

  /**
   * Makes a client; asks nothing yet.
   *
   * @throws KafkaException if the client refuses its properties
   */
  KafkaServers(SpanfoldConfig config) {
    Properties properties = KafkaClientProperties.common(config.kafka());
    properties.setProperty(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    properties.setProperty(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    this.admin = Admin.create(properties);
  }

  /** Returns the ids of all brokers. */
  List<String> brokers() {
    return answer(admin.describeCluster().nodes()).stream().map(Node::idString).sorted().toList();
  }

  /** Fails if the topic does not exist or is hidden; never creates it. */
  void describeTopic(String name) {
    answer(admin.describeTopics(List.of(name)).topicNameValues().get(name));
  }

  /** Returns the largest record batch that a topic accepts, in bytes. */
  long maxMessageBytes(String topic) {
    return number(ConfigResource.Type.TOPIC, topic, TopicConfig.MAX_MESSAGE_BYTES_CONFIG);
  }

  /** Returns whether Kafka deletes records of a topic because a later one has the same key. */
  boolean isCompacted(String topic) {
    return value(ConfigResource.Type.TOPIC, topic, TopicConfig.CLEANUP_POLICY_CONFIG)
        .contains(TopicConfig.CLEANUP_POLICY_COMPACT);
  }

  /** Returns the longest timeout of a transaction that a broker accepts, in milliseconds. */
  long maxTransactionTimeoutMs(String broker) {
    return number(ConfigResource.Type.BROKER, broker, "transaction.max.timeout.ms");
  }

  private long number(ConfigResource.Type type, String name, String property) {
    return Long.parseLong(value(type, name, property));
  }

  private String value(ConfigResource.Type type, String name, String property) {
    ConfigResource resource = new ConfigResource(type, name);
    ConfigEntry entry =
        answer(admin.describeConfigs(List.of(resource)).values().get(resource)).get(property);
    if (entry == null || entry.value() == null) {
      throw new KafkaException("the answer lacks %s of %s %s".formatted(property, type, name));
    }
    return entry.value();
  }

  /** Returns the message of the root cause, which shows no secret. */
  static String reason(KafkaException e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }

  private static <T> T answer(KafkaFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KafkaException known ? known : new KafkaException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KafkaException("interrupted while asking Kafka", e);
    }
  }

  @Override
  public void close() {
    admin.close();
  }
}
