package io.spanfold.job.preflight;

import io.spanfold.job.config.SpanfoldConfig;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;

/** Asks Kafka about itself. What it does not answer is thrown as what Kafka's client says. */
final class KafkaServers implements AutoCloseable {

  private static final String TIMEOUT_MILLIS = "10000";

  private final Admin admin;

  /**
   * Makes a client; nothing is asked yet.
   *
   * @throws KafkaException where its properties are refused
   */
  KafkaServers(SpanfoldConfig config) {
    Properties properties = new Properties();
    config.kafka().properties().forEach(properties::setProperty);
    properties.setProperty(
        AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    properties.setProperty(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    properties.setProperty(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    this.admin = Admin.create(properties);
  }

  /** Returns the ids of all brokers. */
  List<String> brokers() {
    Collection<Node> nodes = answer(admin.describeCluster().nodes());
    return nodes.stream().map(Node::idString).sorted().toList();
  }

  /** Returns what is known of a topic; never makes one. */
  TopicDescription topic(String name) {
    return answer(admin.describeTopics(List.of(name)).topicNameValues().get(name));
  }

  /** Returns the largest record batch that a topic accepts, in bytes. */
  long maxMessageBytes(String topic) {
    return number(ConfigResource.Type.TOPIC, topic, TopicConfig.MAX_MESSAGE_BYTES_CONFIG);
  }

  /** Returns the longest timeout of a transaction that a broker accepts, in milliseconds. */
  long maxTransactionTimeoutMs(String broker) {
    return number(ConfigResource.Type.BROKER, broker, "transaction.max.timeout.ms");
  }

  private long number(ConfigResource.Type type, String name, String property) {
    ConfigResource resource = new ConfigResource(type, name);
    Config config = answer(admin.describeConfigs(List.of(resource)).values().get(resource));
    ConfigEntry entry = config.get(property);
    if (entry == null || entry.value() == null) {
      throw new KafkaException(
          "%s is not among what %s %s tells: %s"
              .formatted(
                  property,
                  type,
                  name,
                  config.entries().stream()
                      .map(ConfigEntry::name)
                      .collect(Collectors.joining(", "))));
    }
    return Long.parseLong(entry.value());
  }

  /** Returns the reason that stands behind all others; Kafka's clients tell no secrets there. */
  static String words(KafkaException e) {
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
      if (e.getCause() instanceof KafkaException known) {
        throw known;
      }
      throw new KafkaException(e.getCause());
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
