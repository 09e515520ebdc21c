package io.spanfold;

import io.spanfold.config.SpanfoldConfig;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;

/** Asks Kafka how large a record of the segments topic may be. */
final class TopicLimits {

  private static final int TIMEOUT_SECONDS = 30;

  private TopicLimits() {}

  /**
   * Returns the largest value of a record of the segments topic, in bytes: what is configured, or
   * what the topic accepts less a margin for the record's key and headers.
   *
   * @throws IllegalStateException where the topic cannot be asked; the message says what to do
   */
  static int chunkBytes(SpanfoldConfig config) {
    if (config.flush().chunkBytes() > 0) {
      return config.flush().chunkBytes();
    }
    long accepted = maxMessageBytes(config) - SpanfoldConfig.RECORD_OVERHEAD_BYTES;
    if (accepted <= 0) {
      throw new IllegalStateException(
          "The topic %s accepts records of %d bytes at most; raise its max.message.bytes to a megabyte or more."
              .formatted(config.sink().topic(), accepted + SpanfoldConfig.RECORD_OVERHEAD_BYTES));
    }
    return (int) Math.min(accepted, SpanfoldConfig.MAX_CHUNK_BYTES);
  }

  private static long maxMessageBytes(SpanfoldConfig config) {
    String topic = config.sink().topic();
    Properties properties = new Properties();
    config.kafka().properties().forEach(properties::setProperty);
    properties.setProperty(
        AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try (Admin admin = Admin.create(properties)) {
      return Long.parseLong(
          admin
              .describeConfigs(List.of(resource))
              .all()
              .get(TIMEOUT_SECONDS, TimeUnit.SECONDS)
              .get(resource)
              .get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG)
              .value());
    } catch (ExecutionException | TimeoutException e) {
      Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
      throw new IllegalStateException(
          "Kafka does not tell how large a record of %s may be (%s); create the topic, check kafka.bootstrap.servers, or set flush.chunk-bytes."
              .formatted(topic, cause),
          cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while asking Kafka about " + topic, e);
    }
  }
}
