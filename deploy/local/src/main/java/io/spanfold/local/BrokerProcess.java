package io.spanfold.local;

import io.spanfold.embedded.KafkaBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

/** A Kafka broker as a process of its own, which can be killed and started again on its data. */
final class BrokerProcess implements AutoCloseable {

  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);

  private final RunDirectory directory;
  private final Path configuration;
  private final String bootstrapServers;
  private JvmProcess process;

  private BrokerProcess(RunDirectory directory, Path configuration, String bootstrapServers) {
    this.directory = directory;
    this.configuration = configuration;
    this.bootstrapServers = bootstrapServers;
  }

  /**
   * Starts a broker and returns when it serves: about four seconds.
   *
   * @throws FailedRunException where it does not start
   */
  static BrokerProcess start(RunDirectory directory, OptionalInt port) {
    Path home = directory.subdirectory("kafka");
    Path configuration = home.resolve("server.properties");
    KafkaBroker.Builder builder =
        KafkaBroker.builder()
            .directory(home.resolve("data"))
            .property(
                "socket.request.max.bytes", String.valueOf(2 * Topics.MAX_SOURCE_RECORD_BYTES));
    port.ifPresent(builder::port);
    BrokerProcess broker =
        new BrokerProcess(directory, configuration, builder.writeConfiguration(configuration));
    broker.launch();
    return broker;
  }

  String bootstrapServers() {
    return bootstrapServers;
  }

  /** Ends the process at once, as a crash would. */
  void kill() {
    process.kill();
  }

  /**
   * Starts the process again on its port and data after {@link #kill()}.
   *
   * @throws FailedRunException where it does not come up
   */
  void restart() {
    launch();
  }

  private void launch() {
    process =
        JvmProcess.start(
            directory,
            "kafka",
            List.of("-Xmx384m"),
            List.of("kafka.Kafka", configuration.toString()));
    if (!Pause.until(() -> answers() || !process.isAlive(), START_TIMEOUT) || !process.isAlive()) {
      process.close();
      throw new FailedRunException(
          "the broker at " + bootstrapServers + " does not come up; is its port taken?");
    }
  }

  private boolean answers() {
    Map<String, Object> properties =
        Map.of(
            AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            bootstrapServers,
            AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
            2_000,
            AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            2_000);
    try (Admin admin = Admin.create(properties)) {
      return !admin.describeCluster().nodes().get(3, TimeUnit.SECONDS).isEmpty();
    } catch (ExecutionException | TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    process.close();
  }
}
