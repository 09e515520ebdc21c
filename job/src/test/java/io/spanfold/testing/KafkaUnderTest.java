package io.spanfold.testing;

import io.spanfold.embedded.KafkaBroker;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * A real Kafka broker for a test: the image that production runs if Docker answers, else the one
 * that comes as Maven jars. Both accept records of up to 16 MiB.
 */
public final class KafkaUnderTest implements AutoCloseable {

  private static final DockerImageName IMAGE = DockerImageName.parse("apache/kafka:4.2.0");

  private final String bootstrapServers;
  private final Runnable stop;

  private KafkaUnderTest(String bootstrapServers, Runnable stop) {
    this.bootstrapServers = bootstrapServers;
    this.stop = stop;
  }

  /** Starts one. */
  public static KafkaUnderTest start() {
    return start(Map.of());
  }

  /** Starts one with broker properties of the test's own. */
  public static KafkaUnderTest start(Map<String, String> properties) {
    if (DockerClientFactory.instance().isDockerAvailable()) {
      String largest = Integer.toString(KafkaBroker.DEFAULT_MAX_MESSAGE_BYTES);
      KafkaContainer container =
          new KafkaContainer(IMAGE)
              .withEnv("KAFKA_MESSAGE_MAX_BYTES", largest)
              .withEnv("KAFKA_SOCKET_REQUEST_MAX_BYTES", "104857600");
      properties.forEach(
          (name, value) ->
              container.withEnv("KAFKA_" + name.toUpperCase(Locale.ROOT).replace('.', '_'), value));
      container.start();
      return new KafkaUnderTest(container.getBootstrapServers(), container::stop);
    }
    KafkaBroker.Builder builder = KafkaBroker.builder();
    properties.forEach(builder::property);
    KafkaBroker broker = builder.start();
    return new KafkaUnderTest(broker.bootstrapServers(), broker::close);
  }

  /** Returns the address for clients. */
  public String bootstrapServers() {
    return bootstrapServers;
  }

  /** Creates a topic of one replica and waits until it is there. */
  public void createTopic(String topic, int partitions) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("topic " + topic + " was not created", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while topic " + topic + " was created", e);
    }
  }

  @Override
  public void close() {
    stop.run();
  }
}
