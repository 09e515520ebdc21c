package io.spanfold.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.exceptions.JedisException;

/**
 * A redis-server process on a free port of the loopback interface: the one in the jar, or that of
 * the system property {@code spanfold.redis-server}. It keeps nothing on disk unless {@link
 * Options#appendOnly} is set. It ends with {@link #close()} or when this process exits; it survives
 * if this process is killed with SIGKILL. For use by one thread at a time.
 */
public final class RedisNode implements AutoCloseable {

  private static final String HOST = "127.0.0.1";
  private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
  private static final int PORT_ATTEMPTS = 10;

  /** From this version on, DEBUG has to be allowed. */
  private static final int DEBUG_OPTION_SINCE = 7;

  /** A cluster node also listens on its port plus this. */
  private static final int BUS_OFFSET = 10_000;

  private final Options options;
  private final Path directory;
  private final int port;
  private final Thread stopAtExit = new Thread(this::stop, "redis-node-stop");
  private Process process;

  /**
   * How to start a node.
   *
   * @param directory where it keeps its configuration, log and data; made if missing
   * @param maxMemoryBytes the limit at which it refuses writes; 0 for none
   * @param cluster whether it is a member of a cluster
   * @param password null for none
   * @param appendOnly whether its data survives a restart; every write is synced
   * @param port 0 for a free one
   * @param tls null for unencrypted connections
   */
  public record Options(
      Path directory,
      long maxMemoryBytes,
      boolean cluster,
      String password,
      boolean appendOnly,
      int port,
      Tls tls) {

    /** Returns the options of a plain node that keeps its files in {@code directory}. */
    public static Options in(Path directory) {
      return new Options(directory, 0, false, null, false, 0, null);
    }

    /** Returns these options with a memory limit in bytes, at which writes are refused. */
    public Options withMaxMemory(long bytes) {
      return new Options(directory, bytes, cluster, password, appendOnly, port, tls);
    }

    /** Returns these options for a member of a cluster. */
    public Options asClusterMember() {
      return new Options(directory, maxMemoryBytes, true, password, appendOnly, port, tls);
    }

    /** Returns these options with a password. */
    public Options withPassword(String secret) {
      return new Options(directory, maxMemoryBytes, cluster, secret, appendOnly, port, tls);
    }

    /** Returns these options with data that survives a restart. */
    public Options withAppendOnly() {
      return new Options(directory, maxMemoryBytes, cluster, password, true, port, tls);
    }

    /** Returns these options with a given port. */
    public Options onPort(int number) {
      return new Options(directory, maxMemoryBytes, cluster, password, appendOnly, number, tls);
    }

    /** Returns these options with TLS for all connections, also those between nodes. */
    public Options withTls(Tls encryption) {
      return new Options(
          directory, maxMemoryBytes, cluster, password, appendOnly, port, encryption);
    }

    @Override
    public String toString() {
      return "RedisNode.Options[directory=%s, maxMemoryBytes=%d, cluster=%s, appendOnly=%s, port=%d]"
          .formatted(directory, maxMemoryBytes, cluster, appendOnly, port);
    }
  }

  /**
   * TLS files in PEM.
   *
   * @param certificate the server's, self-signed or followed by its chain
   * @param key the server's
   * @param authority the certificates that the node trusts in connections to other nodes
   */
  public record Tls(Path certificate, Path key, Path authority) {}

  private RedisNode(Options options, int port) {
    this.options = options;
    this.directory = options.directory();
    this.port = port;
  }

  /**
   * Starts a node and returns when it answers.
   *
   * @throws IllegalStateException if it does not answer; the message names its log
   */
  public static RedisNode start(Options options) {
    int attempts = options.port() == 0 ? PORT_ATTEMPTS : 1;
    IllegalStateException last = null;
    for (int i = 0; i < attempts; i++) {
      // Another process may take a free port before the server does: then try the next.
      int port = options.port() == 0 ? freePort() : options.port();
      RedisNode node = new RedisNode(options, port);
      try {
        node.launch();
        Runtime.getRuntime().addShutdownHook(node.stopAtExit);
        return node;
      } catch (IllegalStateException e) {
        last = e;
      }
    }
    throw last;
  }

  public HostAndPort address() {
    return new HostAndPort(HOST, port);
  }

  /** Returns {@code redis://host:port}, or {@code rediss://}; without the password. */
  public URI uri() {
    return URI.create((options.tls() == null ? "redis://" : "rediss://") + HOST + ":" + port);
  }

  public int port() {
    return port;
  }

  /** Returns the operating system's id of the server process. */
  public long pid() {
    return process.pid();
  }

  /** Returns the directory of its files. */
  public Path directory() {
    return directory;
  }

  /** Returns the server's log file. */
  public Path log() {
    return directory.resolve("redis.log");
  }

  /** Opens a connection for administration; the caller closes it. */
  public Jedis connect() {
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder().password(options.password()).timeoutMillis(30_000);
    if (options.tls() != null) {
      // This process started the server; certificates are checked by the clients under test.
      config.sslOptions(SslOptions.builder().sslVerifyMode(SslVerifyMode.INSECURE).build());
    }
    return new Jedis(address(), config.build());
  }

  /** Kills the process at once, as a crash would. */
  public void kill() {
    process.destroyForcibly();
    awaitExit();
  }

  /**
   * Starts the process again on the same port and files, after {@link #kill()} or {@link #stop()}.
   *
   * @throws IllegalStateException if it does not answer
   */
  public void restart() {
    if (process.isAlive()) {
      stop();
    }
    launch();
  }

  /** Stops the process and waits for its end; does nothing if it has ended. */
  public void stop() {
    if (process == null) {
      return;
    }
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Stops the process; it cannot be restarted. The files stay. */
  @Override
  public void close() {
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(stopAtExit);
    } catch (IllegalStateException e) {
      // The JVM is shutting down and runs the hook itself.
      return;
    }
  }

  private void launch() {
    try {
      Files.createDirectories(directory);
      Path config = directory.resolve("redis.conf");
      Files.writeString(config, configuration());
      process =
          new ProcessBuilder(
                  RedisBinary.path().getAbsolutePath(), config.toAbsolutePath().toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start redis-server in " + directory, e);
    }
    awaitAnswer();
  }

  private String configuration() {
    StringBuilder lines = new StringBuilder();
    if (options.tls() == null) {
      lines.append("port ").append(port).append('\n');
    } else {
      lines.append("port 0\ntls-port ").append(port).append('\n');
      lines.append("tls-cert-file \"").append(options.tls().certificate()).append("\"\n");
      lines.append("tls-key-file \"").append(options.tls().key()).append("\"\n");
      lines.append("tls-ca-cert-file \"").append(options.tls().authority()).append("\"\n");
      lines.append("tls-auth-clients no\ntls-replication yes\ntls-cluster yes\n");
    }
    lines.append("bind ").append(HOST).append('\n');
    lines.append("dir \"").append(directory.toAbsolutePath()).append("\"\n");
    lines.append("daemonize no\nsave \"\"\n");
    lines.append("maxmemory ").append(options.maxMemoryBytes()).append('\n');
    lines.append("maxmemory-policy noeviction\n");
    lines.append("appendonly ").append(options.appendOnly() ? "yes" : "no").append('\n');
    lines.append("appendfsync always\n");
    if (RedisBinary.majorVersion() >= DEBUG_OPTION_SINCE) {
      lines.append("enable-debug-command local\n");
    }
    if (options.cluster()) {
      lines.append("cluster-enabled yes\ncluster-config-file nodes.conf\n");
      lines.append("cluster-node-timeout 5000\n");
    }
    if (options.password() != null) {
      lines.append("requirepass \"").append(options.password()).append("\"\n");
    }
    return lines.toString();
  }

  private void awaitAnswer() {
    if (Await.until(() -> !process.isAlive() || answers(), START_TIMEOUT) && process.isAlive()) {
      return;
    }
    boolean ended = !process.isAlive();
    process.destroyForcibly();
    throw new IllegalStateException(
        "redis-server on port %d %s; see %s"
            .formatted(
                port, ended ? "ended at once" : "gave no answer in " + START_TIMEOUT, log()));
  }

  /** Another server may have this port while ours is failing to bind it. */
  private boolean answers() {
    try (Jedis jedis = connect()) {
      return jedis.info("server").contains("process_id:" + process.pid());
    } catch (JedisException e) {
      return false;
    }
  }

  private void awaitExit() {
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Picks below the ephemeral ports, so that the bus port exists too. */
  private static int freePort() {
    for (int i = 0; i < 1_000; i++) {
      int candidate = ThreadLocalRandom.current().nextInt(10_000, 30_000);
      if (isFree(candidate) && isFree(candidate + BUS_OFFSET)) {
        return candidate;
      }
    }
    throw new IllegalStateException("no free port between 10000 and 30000 on " + HOST);
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
