package io.spanfold.local.servers;

import io.spanfold.embedded.Await;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.flink.FlinkRestClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A Flink session cluster of processes: a job manager and task managers, each of which can be
 * killed and replaced. Checkpoints and savepoints are on disk. Not thread-safe.
 */
public final class FlinkProcesses implements AutoCloseable {

  private static final Duration START_TIMEOUT = Duration.ofMinutes(3);

  /** Of a task manager: enough for one alone to run the job, up to this parallelism. */
  private static final int SLOTS = 4;

  private static final int TASK_HEAP_MB = 512;
  private static final int FRAMEWORK_HEAP_MB = 128;

  /** The heap of a task manager. */
  public static final int HEAP_MB = TASK_HEAP_MB + FRAMEWORK_HEAP_MB;

  private static final int OFF_HEAP_MB = 64;
  private static final int NETWORK_MB = 64;
  private static final int METASPACE_MB = 256;

  /** The packages that Flink opens for reflection, as in its own start scripts. */
  public static final List<String> OPENS =
      Stream.of(
              "lang",
              "net",
              "io",
              "nio",
              "time",
              "util",
              "util.concurrent",
              "util.concurrent.atomic",
              "util.concurrent.locks")
          .map(name -> "--add-opens=java.base/java." + name + "=ALL-UNNAMED")
          .toList();

  /** For many short-lived JVMs on few cores. */
  private static final List<String> FAST_START =
      List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private final RunDirectory directory;
  private final Path home;
  private final int webPort;
  private final List<JvmProcess> taskManagers = new ArrayList<>();
  private JvmProcess jobManager;
  private int startedTaskManagers;

  private FlinkProcesses(RunDirectory directory, int webPort) {
    this.directory = directory;
    this.home = directory.subdirectory("flink");
    this.webPort = webPort;
  }

  /**
   * Starts all processes and returns when all task managers are registered: about six seconds.
   *
   * @param configuration Flink options that override the defaults
   * @throws FailedRunException if they do not register within 3 min
   */
  static FlinkProcesses start(
      RunDirectory directory,
      int taskManagers,
      OptionalInt webPort,
      Map<String, String> configuration) {
    try (ServerSocket web = freePort();
        ServerSocket rpc = freePort()) {
      FlinkProcesses flink = new FlinkProcesses(directory, webPort.orElse(web.getLocalPort()));
      flink.writeConfiguration(rpc.getLocalPort(), configuration);
      web.close();
      rpc.close();
      try {
        flink.startJobManager();
        for (int i = 0; i < taskManagers; i++) {
          flink.startTaskManager();
        }
        flink.awaitTaskManagers();
      } catch (RuntimeException e) {
        flink.close();
        throw e;
      }
      return flink;
    } catch (IOException e) {
      throw new UncheckedIOException("no free port for Flink", e);
    }
  }

  private static ServerSocket freePort() throws IOException {
    return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
  }

  /** Returns the address of the web UI and of the REST interface. */
  public URI address() {
    return URI.create("http://127.0.0.1:" + webPort);
  }

  public Path checkpoints() {
    return home.resolve("checkpoints");
  }

  public Path savepoints() {
    return home.resolve("savepoints");
  }

  public List<JvmProcess> taskManagers() {
    return List.copyOf(taskManagers);
  }

  /** Kills a task manager with SIGKILL and starts a new one. */
  public void replaceTaskManager(JvmProcess old) {
    old.kill();
    taskManagers.remove(old);
    startTaskManager();
  }

  /**
   * Kills the job manager with SIGKILL and starts a new one at its addresses. It has no jobs.
   *
   * @throws FailedRunException if it does not start, or the task managers do not register
   */
  public void replaceJobManager() {
    jobManager.kill();
    startJobManager();
    awaitTaskManagers();
  }

  private void startTaskManager() {
    List<String> options = new ArrayList<>(OPENS);
    options.addAll(FAST_START);
    options.add("-Xmx" + HEAP_MB + "m");
    options.add("-XX:MaxDirectMemorySize=" + (2 * OFF_HEAP_MB + NETWORK_MB) + "m");
    options.add("-XX:MaxMetaspaceSize=" + METASPACE_MB + "m");
    startedTaskManagers++;
    taskManagers.add(
        JvmProcess.start(
            directory,
            "taskmanager-" + startedTaskManagers,
            options,
            List.of(
                "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                "--configDir",
                home.toString())));
  }

  private void startJobManager() {
    List<String> options = new ArrayList<>(OPENS);
    options.addAll(FAST_START);
    options.add("-Xmx512m");
    jobManager =
        JvmProcess.start(
            directory,
            "jobmanager",
            options,
            List.of(
                "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
                "--configDir",
                home.toString()));
  }

  private void awaitTaskManagers() {
    FlinkRestClient rest = new FlinkRestClient(address());
    boolean there =
        Await.until(
            () -> {
              try {
                return rest.taskManagers() >= taskManagers.size();
              } catch (FailedRunException e) {
                if (!jobManager.isAlive()) {
                  throw new FailedRunException(
                      "Flink's job manager ended as it started; is port " + webPort + " taken?", e);
                }
                return false;
              }
            },
            START_TIMEOUT);
    if (!there) {
      throw new FailedRunException(
          "Flink's task managers did not register within %d s"
              .formatted(START_TIMEOUT.toSeconds()));
    }
  }

  private void writeConfiguration(int rpcPort, Map<String, String> configuration)
      throws IOException {
    Map<String, String> all = new TreeMap<>(defaults(rpcPort));
    all.putAll(configuration);
    List<String> lines =
        all.entrySet().stream().map(e -> e.getKey() + ": \"" + e.getValue() + "\"").toList();
    Files.write(home.resolve("config.yaml"), lines);
  }

  private Map<String, String> defaults(int rpcPort) {
    return Map.ofEntries(
        Map.entry("jobmanager.rpc.address", "127.0.0.1"),
        Map.entry("jobmanager.rpc.port", String.valueOf(rpcPort)),
        Map.entry("jobmanager.bind-host", "127.0.0.1"),
        Map.entry("rest.address", "127.0.0.1"),
        Map.entry("rest.bind-address", "127.0.0.1"),
        Map.entry("rest.port", String.valueOf(webPort)),
        Map.entry("taskmanager.host", "127.0.0.1"),
        Map.entry("taskmanager.bind-host", "127.0.0.1"),
        Map.entry("taskmanager.numberOfTaskSlots", String.valueOf(SLOTS)),
        Map.entry("taskmanager.load-balance.mode", "SLOTS"),
        Map.entry("taskmanager.cpu.cores", "1"),
        Map.entry("taskmanager.memory.task.heap.size", TASK_HEAP_MB + "m"),
        Map.entry("taskmanager.memory.task.off-heap.size", OFF_HEAP_MB + "m"),
        Map.entry("taskmanager.memory.framework.heap.size", FRAMEWORK_HEAP_MB + "m"),
        Map.entry("taskmanager.memory.framework.off-heap.size", OFF_HEAP_MB + "m"),
        Map.entry("taskmanager.memory.network.min", NETWORK_MB + "m"),
        Map.entry("taskmanager.memory.network.max", NETWORK_MB + "m"),
        Map.entry("taskmanager.memory.managed.size", "64m"),
        Map.entry("taskmanager.memory.jvm-metaspace.size", METASPACE_MB + "m"),
        Map.entry("taskmanager.memory.jvm-overhead.min", "128m"),
        Map.entry("taskmanager.memory.jvm-overhead.max", "128m"),
        Map.entry("web.submit.enable", "true"),
        Map.entry("web.cancel.enable", "true"),
        Map.entry("web.tmpdir", home.resolve("web").toString()),
        Map.entry("io.tmp.dirs", home.resolve("tmp").toString()),
        Map.entry("state.backend.type", "rocksdb"),
        Map.entry("execution.checkpointing.incremental", "true"),
        Map.entry("execution.checkpointing.dir", checkpoints().toUri().toString()),
        Map.entry("execution.checkpointing.savepoint-dir", savepoints().toUri().toString()),
        Map.entry(
            "execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION"),
        Map.entry("heartbeat.interval", "2000"),
        Map.entry("heartbeat.timeout", "6000"));
  }

  @Override
  public void close() {
    taskManagers.forEach(JvmProcess::close);
    if (jobManager != null) {
      jobManager.close();
    }
  }
}
