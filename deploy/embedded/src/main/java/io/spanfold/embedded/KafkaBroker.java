package io.spanfold.embedded;

import java.io.IOException;
import java.io.InputStream;
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
import java.util.stream.Stream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A Kafka broker in this JVM: one node that is broker and KRaft controller.
 *
 * <p>It listens on the loopback interface only, never expires records, accepts timestamps of any
 * age and of the future, and does not create topics automatically. A start takes about 2.5 s.
 * Thread-safe; {@link #close()} may be called more than once.
 */
public final class KafkaBroker implements AutoCloseable {

  /** The default limit of a record batch: 16 MiB, so that a 10 MB record fits. */
  public static final int DEFAULT_MAX_MESSAGE_BYTES = 16 << 20;

  /** The default of {@code transaction.max.timeout.ms}. */
  public static final Duration DEFAULT_MAX_TRANSACTION_TIMEOUT = Duration.ofMinutes(15);

  private static final String HOST = "127.0.0.1";
  private static final int NODE_ID = 1;
  private static final int SECOND_NODE_ID = 2;
  private static final String VOTERS = "controller.quorum.voters";
  private static final String LOG_DIRECTORIES = "log.dirs";
  private static final int START_ATTEMPTS = 5;
  private static final Duration LEADERS_TIMEOUT = Duration.ofSeconds(30);

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

  /** Starts a broker with the defaults: on a free port, its data in a temporary directory. */
  public static KafkaBroker start() {
    return builder().start();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Returns the address for clients, as {@code host:port}. */
  public String bootstrapServers() {
    return HOST + ":" + port;
  }

  public Path directory() {
    return directory;
  }

  /** Creates a topic with one replica and the broker's default configuration. */
  public void createTopic(String topic, int partitions) {
    createTopic(topic, partitions, Map.of());
  }

  /** Creates a topic with one replica; see the static method. */
  public void createTopic(String topic, int partitions, Map<String, String> configuration) {
    createTopic(bootstrapServers(), topic, partitions, configuration);
  }

  /**
   * Adds partitions with one replica to a topic and returns when all its partitions have a leader.
   *
   * @param leaders the node id of the leader of each new partition
   * @throws IllegalStateException if the broker refuses
   */
  public static void addPartitions(String bootstrapServers, String topic, List<Integer> leaders) {
    try (Admin admin =
        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers))) {
      int before =
          admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
      NewPartitions added =
          NewPartitions.increaseTo(
              before + leaders.size(), leaders.stream().map(List::of).toList());
      admin.createPartitions(Map.of(topic, added)).all().get();
      awaitLeaders(admin, topic, before + leaders.size());
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "topic " + topic + " got no partitions: " + e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while topic " + topic + " was extended", e);
    }
  }

  /**
   * Creates a topic with one replica and returns when all its partitions have a leader.
   *
   * <p>A producer must not send before that: if a partition has no leader yet, the first of several
   * in-flight batches can be refused while the second is accepted; the first then stays out of
   * sequence forever.
   *
   * @param configuration of the topic
   * @throws IllegalStateException if the broker refuses, for example because the topic exists
   */
  public static void createTopic(
      String bootstrapServers, String topic, int partitions, Map<String, String> configuration) {
    try (Admin admin =
        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers))) {
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

  private static void awaitLeaders(Admin admin, String topic, int partitions) {
    if (!Await.until(() -> hasLeaders(admin, topic, partitions), LEADERS_TIMEOUT)) {
      throw new IllegalStateException(
          "topic %s has no leaders after %s".formatted(topic, LEADERS_TIMEOUT));
    }
  }

  private static boolean hasLeaders(Admin admin, String topic, int partitions) {
    Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
    for (int partition = 0; partition < partitions; partition++) {
      ends.put(new TopicPartition(topic, partition), OffsetSpec.latest());
    }
    try {
      admin.listOffsets(ends).all().get();
      return true;
    } catch (ExecutionException e) {
      // The client retries a missing leader, but not a broker that does not know the topic yet.
      if (e.getCause() instanceof RetriableException) {
        return false;
      }
      throw new IllegalStateException("no leaders of topic " + topic, e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while topic " + topic + " was created", e);
    }
  }

  /** Stops the broker. Deletes its data unless its directory was given. */
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

  /** The settings of a broker. Not thread-safe. */
  public static final class Builder {

    private Optional<Integer> port = Optional.empty();
    private Optional<Path> directory = Optional.empty();
    private Duration maxTransactionTimeout = DEFAULT_MAX_TRANSACTION_TIMEOUT;
    private int maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
    private final Map<String, String> properties = new HashMap<>();

    private Builder() {}

    /** Sets the clients' port; the default is a free one. */
    public Builder port(int value) {
      this.port = Optional.of(value);
      return this;
    }

    /**
     * Sets the data directory, which {@link #close()} does not delete. It is created if missing;
     * the data of an earlier broker in it is used.
     */
    public Builder directory(Path value) {
      this.directory = Optional.of(value);
      return this;
    }

    /** Sets {@code transaction.max.timeout.ms}. */
    public Builder maxTransactionTimeout(Duration value) {
      this.maxTransactionTimeout = Objects.requireNonNull(value);
      return this;
    }

    /** Sets {@code message.max.bytes}, which topics may override. */
    public Builder maxMessageBytes(int value) {
      this.maxMessageBytes = value;
      return this;
    }

    /** Sets a broker property; it overrides what this class sets. */
    public Builder property(String name, String value) {
      properties.put(name, value);
      return this;
    }

    /**
     * Starts the broker and returns when it serves.
     *
     * @throws IllegalStateException if the given port is taken, or no free one was found in several
     *     attempts
     */
    public KafkaBroker start() {
      RuntimeException failure = null;
      // Another process may take a free port between its choice and its use.
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
     * Prepares a broker for a process of its own, {@code kafka.Kafka <file>}: chooses the ports,
     * formats the directory, which must be set, and writes the properties.
     *
     * @param file receives the properties
     * @return the address for clients, as {@code host:port}
     * @throws UncheckedIOException if the file or the directory cannot be written
     */
    public String writeConfiguration(Path file) {
      Path data = directory.orElseThrow(() -> new IllegalStateException("give a directory first"));
      try (ServerSocket first = freePort();
          ServerSocket second = freePort();
          OutputStream output = Files.newOutputStream(file)) {
        int clientPort = port.orElse(first.getLocalPort());
        Files.createDirectories(data);
        format(data, NODE_ID, Uuid.randomUuid().toString());
        configuration(data, clientPort, second.getLocalPort()).store(output, null);
        return HOST + ":" + clientPort;
      } catch (IOException e) {
        throw new UncheckedIOException("cannot prepare a broker in " + data, e);
      }
    }

    /**
     * Prepares a second broker, which is no controller, in the cluster of a first one.
     *
     * @param file receives the properties
     * @param first what {@link #writeConfiguration(Path)} wrote for the first broker
     * @return the address for clients, as {@code host:port}
     * @throws UncheckedIOException if a file or the directory cannot be read or written
     */
    public String writeSecondConfiguration(Path file, Path first) {
      Path data = directory.orElseThrow(() -> new IllegalStateException("give a directory first"));
      try (ServerSocket free = freePort();
          OutputStream output = Files.newOutputStream(file)) {
        Properties joined = load(first);
        Path firstData = Path.of(joined.getProperty(LOG_DIRECTORIES));
        Files.createDirectories(data);
        format(
            data,
            SECOND_NODE_ID,
            load(firstData.resolve("meta.properties")).getProperty("cluster.id"));
        int clientPort = port.orElse(free.getLocalPort());
        Properties all = configuration(data, clientPort, 0);
        all.put("process.roles", "broker");
        all.put("node.id", String.valueOf(SECOND_NODE_ID));
        all.put(VOTERS, joined.getProperty(VOTERS));
        all.put("listeners", "CLIENT://" + HOST + ":" + clientPort);
        all.store(output, null);
        return HOST + ":" + clientPort;
      } catch (IOException e) {
        throw new UncheckedIOException("cannot prepare a second broker in " + data, e);
      }
    }

    private static Properties load(Path file) throws IOException {
      Properties loaded = new Properties();
      try (InputStream input = Files.newInputStream(file)) {
        loaded.load(input);
      }
      return loaded;
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
        format(data, NODE_ID, Uuid.randomUuid().toString());
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

    private static void format(Path data, int nodeId, String clusterId) throws IOException {
      Formatter formatter =
          new Formatter()
              .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, "UTF-8"))
              .setClusterId(clusterId)
              .setNodeId(nodeId)
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
      all.put(VOTERS, NODE_ID + "@" + HOST + ":" + controllerPort);
      all.put("controller.listener.names", "CONTROLLER");
      all.put(
          "listeners",
          "CLIENT://" + HOST + ":" + clientPort + ",CONTROLLER://" + HOST + ":" + controllerPort);
      all.put("advertised.listeners", "CLIENT://" + HOST + ":" + clientPort);
      all.put("listener.security.protocol.map", "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT");
      all.put("inter.broker.listener.name", "CLIENT");
      all.put(LOG_DIRECTORIES, data.toString());

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

      // Replayed records keep their timestamps, which may be years old.
      all.put("log.retention.ms", "-1");
      all.put("log.roll.ms", String.valueOf(Long.MAX_VALUE));
      all.put("log.message.timestamp.before.max.ms", String.valueOf(Long.MAX_VALUE));
      all.put("log.message.timestamp.after.max.ms", String.valueOf(Long.MAX_VALUE));

      all.put("message.max.bytes", String.valueOf(maxMessageBytes));
      // The cleaner allocates its buffer at the start: by default 128 MB of heap.
      all.put("log.cleaner.dedupe.buffer.size", String.valueOf(4 << 20));
      all.put("log.cleaner.io.buffer.size", String.valueOf(512 << 10));
      all.put("num.io.threads", "4");
      all.put("num.network.threads", "2");
      all.putAll(properties);
      return all;
    }
  }
}
