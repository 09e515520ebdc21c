package io.spanfold.local.servers;

import io.spanfold.local.cli.FailedRunException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;

/**
 * A Flink session cluster in this JVM, with web UI and REST interface. Each job has its own class
 * loader. Thread-safe.
 */
public final class FlinkMiniCluster implements AutoCloseable {

  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);

  private final MiniCluster cluster;
  private final URI address;

  private FlinkMiniCluster(MiniCluster cluster, URI address) {
    this.cluster = cluster;
    this.address = address;
  }

  /**
   * Starts a cluster with one task manager and returns when its REST interface answers.
   *
   * @param directory for jars, state and checkpoints
   * @param log the file that the web UI shows as the log
   * @param slots of the task manager
   * @param webPort the port of the web UI; empty for a free one
   * @param configuration Flink options that override the defaults
   * @throws FailedRunException if it does not start, for example because the port is taken
   */
  public static FlinkMiniCluster start(
      Path directory, Path log, int slots, OptionalInt webPort, Map<String, String> configuration) {
    Configuration flink = Configuration.fromMap(defaults(directory, log));
    webPort.ifPresentOrElse(
        port -> flink.setString("rest.bind-port", String.valueOf(port)),
        () -> flink.setString("rest.bind-port", "0"));
    flink.addAll(Configuration.fromMap(configuration));
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(slots)
                .build());
    try {
      cluster.start();
      return new FlinkMiniCluster(cluster, cluster.getRestAddress().get());
    } catch (Exception e) {
      cluster.closeAsync();
      throw new FailedRunException(
          "Flink did not start"
              + (webPort.isPresent()
                  ? "; is port " + webPort.getAsInt() + " of --web-port taken?"
                  : ": " + e.getMessage()),
          e);
    }
  }

  private static Map<String, String> defaults(Path directory, Path log) {
    return Map.ofEntries(
        Map.entry("rest.address", "localhost"),
        Map.entry("rest.bind-address", "localhost"),
        Map.entry("web.submit.enable", "true"),
        Map.entry("web.cancel.enable", "true"),
        Map.entry("web.tmpdir", directory.resolve("web").toString()),
        Map.entry("web.upload.dir", directory.resolve("jars").toString()),
        Map.entry("web.log.path", log.toString()),
        Map.entry("taskmanager.log.path", log.toString()),
        Map.entry("io.tmp.dirs", directory.resolve("tmp").toString()),
        Map.entry("metrics.fetcher.update-interval", "2000"),
        // RocksDB, so that the open segments of a long input need not fit into the heap.
        Map.entry("state.backend.type", "rocksdb"),
        Map.entry("execution.checkpointing.incremental", "true"),
        Map.entry(
            "execution.checkpointing.dir", directory.resolve("checkpoints").toUri().toString()),
        Map.entry("taskmanager.memory.managed.size", "256m"),
        Map.entry("taskmanager.memory.network.min", "128m"),
        Map.entry("taskmanager.memory.network.max", "128m"));
  }

  /** Returns the address of the web UI and of the REST interface. */
  public URI address() {
    return address;
  }

  /** Stops the cluster and its jobs; waits at most 5 s. */
  @Override
  public void close() {
    try {
      cluster.closeAsync().get(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      // The process ends soon, and the cluster's threads with it.
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
