package io.spanfold.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A real Kafka broker in this JVM: one node that is broker and KRaft controller at once.
 *
 * <p>It listens on the loopback address only, keeps every record whatever its timestamp, takes
 * timestamps of any age and of the future, and creates no topic by itself. A start takes about 2.5
 * s. Thread-safe; {@link #close()} may be called more than once.
 */
public final class KafkaBroker implements AutoCloseable {

  /** The broker's own limit of a record batch: 16 MiB, so that a 10 MB record fits. */
  public static final int DEFAULT_MAX_MESSAGE_BYTES = 16 << 20;

  /** The longest transaction that Kafka allows unless told otherwise. */
  public static final Duration DEFAULT_MAX_TRANSACTION_TIMEOUT = Duration.ofMinutes(15);

  private static final String HOST = "127.0.0.1";
  private static final int NODE_ID = 1;
  private static final int START_ATTEMPTS = 5;
  private static final Duration LEADERS_TIMEOUT = Duration.ofSeconds(30);
  private static final long LEADERS_POLL_MILLIS = 20;

  private final KafkaRaftServer server;
  private final int port;
  private final Path directory;
  private final boolean ownsDirectory;
  private boolean closed;

  private KafkaBroker(KafkaRaftServer server, int port, Path directory, boolean ownsDirectory) {
    this.server = server;
    this.port = port;
    this.directory = directory;
    this.ownsDirectory = ownsDirectory;
  }

  /** Starts a broker on a free port with its data in a temporary directory. */
  public static KafkaBroker start() {
    return builder().start();
  }

  /** Returns a builder with the defaults that the class describes. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the address for clients, as {@code host:port}. */
  public String bootstrapServers() {
    return HOST + ":" + port;
  }

  /** Returns where the broker keeps its logs. */
  public Path directory() {
    return directory;
  }

  /**
   * Creates a topic of one replica and waits until it is there.
   *
   * @throws IllegalStateException where the broker refuses, for instance since the topic exists
   */
  public void createTopic(String topic, int partitions) {
    createTopic(topic, partitions, Map.of());
  }

  /**
   * Creates a topic of one replica with the given topic configuration and waits until it is there,
   * and all its partitions are led.
   *
   * @throws IllegalStateException where the broker refuses, for instance since the topic exists
   */
  public void createTopic(String topic, int partitions, Map<String, String> configuration) {
    Map<String, Object> properties = new HashMap<>();
    properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers());
    try (Admin admin = Admin.create(properties)) {
      NewTopic created = new NewTopic(topic, partitions, (short) 1).configs(configuration);
      admin.createTopics(List.of(created)).all().get();
      awaitLeaders(admin, topic, partitions);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "topic " + topic + " was not created: " + e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while topic " + topic + " was created", e);
    }
  }

  /**
   * A topic is known before it is led: of batches that a producer sends at once, the first may be
   * refused and the second taken, and then the first never is.
   */
  private static void awaitLeaders(Admin admin, String topic, int partitions)
      throws ExecutionException, InterruptedException {
    Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
    for (int partition = 0; partition < partitions; partition++) {
      ends.put(new TopicPartition(topic, partition), OffsetSpec.latest());
    }
    long deadline = System.nanoTime() + LEADERS_TIMEOUT.toNanos();
    while (true) {
      try {
        admin.listOffsets(ends).all().get();
        return;
      } catch (ExecutionException e) {
        // The client itself tries again where a leader is missing, not where the broker that it
        // asks has not heard of the topic yet.
        if (!(e.getCause() instanceof RetriableException) || System.nanoTime() > deadline) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(LEADERS_POLL_MILLIS);
      }
    }
  }

  /** Stops the broker, and deletes its data unless the directory was given. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    server.shutdown();
    server.awaitShutdown();
    if (ownsDirectory) {
      delete(directory);
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : (Iterable<Path>) paths.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the broker's data was not deleted: " + directory, e);
    }
  }

  /** What a broker is started with. Not thread-safe. */
  public static final class Builder {

    private Optional<Integer> port = Optional.empty();
    private Optional<Path> directory = Optional.empty();
    private Duration maxTransactionTimeout = DEFAULT_MAX_TRANSACTION_TIMEOUT;
    private int maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
    private final Map<String, String> properties = new HashMap<>();

    private Builder() {}

    /** Listens for clients on this port; without a call, on a free one. */
    public Builder port(int value) {
      this.port = Optional.of(value);
      return this;
    }

    /**
     * Keeps the data here, and leaves it here when the broker is closed. The directory is made
     * where it is missing; one that a broker has used before is gone on with.
     */
    public Builder directory(Path value) {
      this.directory = Optional.of(value);
      return this;
    }

    /** Sets the longest transaction timeout that a producer may ask for. */
    public Builder maxTransactionTimeout(Duration value) {
      this.maxTransactionTimeout = Objects.requireNonNull(value);
      return this;
    }

    /** Sets the largest record batch in bytes, which topics may lower. */
    public Builder maxMessageBytes(int value) {
      this.maxMessageBytes = value;
      return this;
    }

    /** Sets any broker property; it wins over what this class would set. */
    public Builder property(String name, String value) {
      properties.put(name, value);
      return this;
    }

    /**
     * Starts the broker and returns when it serves.
     *
     * @throws IllegalStateException where it did not start: the given port is taken, or no free one
     *     could be had in several attempts
     */
    public KafkaBroker start() {
      RuntimeException failure = null;
      // Between its choice and its use another process may have taken a free port: try the next.
      for (int attempt = 0; attempt < (port.isPresent() ? 1 : START_ATTEMPTS); attempt++) {
        try {
          return startOnce();
        } catch (RuntimeException e) {
          if (!isPortTaken(e)) {
            throw e;
          }
          failure = e;
        }
      }
      throw new IllegalStateException(
          port.map(p -> "the broker did not start: port " + p + " is taken, give another one")
              .orElse("the broker found no free port in " + START_ATTEMPTS + " attempts"),
          failure);
    }

    /**
     * Prepares a broker that is to run as a process of its own, {@code kafka.Kafka <file>}: picks
     * its ports, formats its directory, which must be given, and writes its properties.
     *
     * @param file where the properties go
     * @return the address for clients, as {@code host:port}
     * @throws UncheckedIOException where the file or the directory cannot be written
     */
    public String writeConfiguration(Path file) {
      Path data = directory.orElseThrow(() -> new IllegalStateException("give a directory first"));
      try (ServerSocket first = freePort();
          ServerSocket second = freePort();
          OutputStream output = Files.newOutputStream(file)) {
        int clientPort = port.orElse(first.getLocalPort());
        Files.createDirectories(data);
        format(data);
        configuration(data, clientPort, second.getLocalPort()).store(output, null);
        return HOST + ":" + clientPort;
      } catch (IOException e) {
        throw new UncheckedIOException("cannot prepare a broker in " + data, e);
      }
    }

    private static boolean isPortTaken(Throwable failure) {
      return Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
          .anyMatch(BindException.class::isInstance);
    }

    private KafkaBroker startOnce() {
      int clientPort;
      int controllerPort;
      try (ServerSocket first = freePort();
          ServerSocket second = freePort()) {
        clientPort = port.orElse(first.getLocalPort());
        controllerPort = second.getLocalPort();
      } catch (IOException e) {
        throw new UncheckedIOException("no free port for the broker", e);
      }
      Path data = null;
      KafkaRaftServer server = null;
      boolean started = false;
      try {
        data = directory.isPresent() ? directory.get() : Files.createTempDirectory("kafka-");
        Files.createDirectories(data);
        format(data);
        KafkaConfig config =
            KafkaConfig.fromProps(configuration(data, clientPort, controllerPort), false);
        server = new KafkaRaftServer(config, Time.SYSTEM);
        server.startup();
        started = true;
        return new KafkaBroker(server, clientPort, data, directory.isEmpty());
      } catch (IOException e) {
        throw new UncheckedIOException("the broker's data directory cannot be used: " + data, e);
      } finally {
        if (!started) {
          if (server != null) {
            server.shutdown();
          }
          if (directory.isEmpty() && data != null) {
            delete(data);
          }
        }
      }
    }

    private static ServerSocket freePort() throws IOException {
      return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }

    private static void format(Path data) throws IOException {
      Formatter formatter =
          new Formatter()
              .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, "UTF-8"))
              .setClusterId(Uuid.randomUuid().toString())
              .setNodeId(NODE_ID)
              .setControllerListenerName("CONTROLLER")
              .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
              .setIgnoreFormatted(true)
              .addDirectory(data.toString())
              .setMetadataLogDirectory(data.toString());
      try {
        formatter.run();
      } catch (RuntimeException | IOException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("the broker's data directory cannot be formatted", e);
      }
    }

    private Properties configuration(Path data, int clientPort, int controllerPort) {
      Properties all = new Properties();
      all.put("process.roles", "broker,controller");
      all.put("node.id", String.valueOf(NODE_ID));
      all.put("controller.quorum.voters", NODE_ID + "@" + HOST + ":" + controllerPort);
      all.put("controller.listener.names", "CONTROLLER");
      all.put(
          "listeners",
          "CLIENT://" + HOST + ":" + clientPort + ",CONTROLLER://" + HOST + ":" + controllerPort);
      all.put("advertised.listeners", "CLIENT://" + HOST + ":" + clientPort);
      all.put("listener.security.protocol.map", "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT");
      all.put("inter.broker.listener.name", "CLIENT");
      all.put("log.dirs", data.toString());

      all.put("auto.create.topics.enable", "false");
      all.put("group.initial.rebalance.delay.ms", "0");
      all.put("offsets.topic.replication.factor", "1");
      all.put("offsets.topic.num.partitions", "1");
      all.put("transaction.state.log.replication.factor", "1");
      all.put("transaction.state.log.min.isr", "1");
      all.put("transaction.state.log.num.partitions", "1");
      all.put("share.coordinator.state.topic.replication.factor", "1");
      all.put("share.coordinator.state.topic.min.isr", "1");
      all.put("share.coordinator.state.topic.num.partitions", "1");
      all.put("transaction.max.timeout.ms", String.valueOf(maxTransactionTimeout.toMillis()));

      // Replayed records carry the time they were made at, which may be years ago.
      all.put("log.retention.ms", "-1");
      all.put("log.roll.ms", String.valueOf(Long.MAX_VALUE));
      all.put("log.message.timestamp.before.max.ms", String.valueOf(Long.MAX_VALUE));
      all.put("log.message.timestamp.after.max.ms", String.valueOf(Long.MAX_VALUE));

      all.put("message.max.bytes", String.valueOf(maxMessageBytes));
      // The cleaner takes its buffer at the start: 128 MB of the heap by default.
      all.put("log.cleaner.dedupe.buffer.size", String.valueOf(4 << 20));
      all.put("log.cleaner.io.buffer.size", String.valueOf(512 << 10));
      all.put("num.io.threads", "4");
      all.put("num.network.threads", "2");
      all.putAll(properties);
      return all;
    }
  }
}
