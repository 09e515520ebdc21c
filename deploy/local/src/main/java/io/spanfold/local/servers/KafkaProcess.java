package io.spanfold.local.servers;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.KafkaBroker;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.KafkaClients;
import io.spanfold.local.kafka.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;

/** A Kafka broker as a process, which can be killed and restarted on its data. */
public final class KafkaProcess implements AutoCloseable {

  /** JVM options of a broker for little load. */
  public static final List<String> SMALL =
      List.of("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
  private static final int ANSWER_TIMEOUT_MILLIS = 2_000;

  private static final String FIRST = "kafka";
  private static final String SECOND = "kafka-2";

  private final RunDirectory directory;
  private final String name;
  private final List<String> jvmOptions;
  private final Path configuration;
  private final String bootstrapServers;
  private JvmProcess process;

  private KafkaProcess(
      RunDirectory directory, String name, List<String> jvmOptions, String bootstrapServers) {
    this.directory = directory;
    this.name = name;
    this.jvmOptions = jvmOptions;
    this.configuration = configuration(directory, name);
    this.bootstrapServers = bootstrapServers;
  }

  /**
   * Starts a broker and returns when it answers: about four seconds.
   *
   * @param port empty for a free one
   * @throws FailedRunException if it does not start
   */
  public static KafkaProcess start(
      RunDirectory directory, OptionalInt port, List<String> jvmOptions) {
    KafkaBroker.Builder builder = forLargeRecords().directory(data(directory, FIRST));
    port.ifPresent(builder::port);
    String address = builder.writeConfiguration(configuration(directory, FIRST));
    KafkaProcess broker = new KafkaProcess(directory, FIRST, jvmOptions, address);
    broker.launch();
    return broker;
  }

  /**
   * Starts a second broker in this one's cluster, which is no controller.
   *
   * @throws FailedRunException if it does not start
   */
  KafkaProcess startSecond() {
    String address =
        forLargeRecords()
            .directory(data(directory, SECOND))
            .writeSecondConfiguration(configuration(directory, SECOND), configuration);
    KafkaProcess broker = new KafkaProcess(directory, SECOND, jvmOptions, address);
    broker.launch();
    return broker;
  }

  private static Path configuration(RunDirectory directory, String name) {
    return directory.subdirectory(name).resolve("server.properties");
  }

  private static Path data(RunDirectory directory, String name) {
    return directory.subdirectory(name).resolve("data");
  }

  /** Returns a broker that accepts the largest source record and soon frees deleted topics. */
  static KafkaBroker.Builder forLargeRecords() {
    return KafkaBroker.builder()
        .property("socket.request.max.bytes", String.valueOf(2 * Topics.MAX_SOURCE_RECORD_BYTES))
        .property("log.segment.delete.delay.ms", "1000");
  }

  public String bootstrapServers() {
    return bootstrapServers;
  }

  public long pid() {
    return process.pid();
  }

  /** Returns the CPU time of the process in nanoseconds. */
  public long cpuNanos() {
    return process.cpuNanos();
  }

  /** Kills the process with SIGKILL. */
  public void kill() {
    process.kill();
  }

  /**
   * Starts the process again on its port and data after {@link #kill()}.
   *
   * @throws FailedRunException if it does not answer
   */
  public void restart() {
    launch();
  }

  private void launch() {
    process =
        JvmProcess.start(
            directory, name, jvmOptions, List.of("kafka.Kafka", configuration.toString()));
    if (!Await.until(() -> answers() || !process.isAlive(), START_TIMEOUT) || !process.isAlive()) {
      process.close();
      throw new FailedRunException(
          "the broker at " + bootstrapServers + " does not start; is its port taken?");
    }
  }

  private boolean answers() {
    try (Admin admin = KafkaClients.admin(bootstrapServers, ANSWER_TIMEOUT_MILLIS)) {
      return !admin.describeCluster().nodes().get().isEmpty();
    } catch (ExecutionException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while the broker was starting", e);
    }
  }

  @Override
  public void close() {
    process.close();
  }
}
