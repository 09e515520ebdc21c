package io.spanfold.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Makes faults. Each returns when what was taken away is there again; the job may not be yet. */
final class Faults {

  /** The rollout phases, in the order of a rollout. */
  static final List<String> PHASES = List.of("merged", "dual-write", "dual-read", "distributed");

  private static final int MOST_PARALLELISM = 4;

  /** More than two heartbeat timeouts. */
  private static final long TASK_MANAGER_STALL_MILLIS = 15_000;

  private static final long NO_CHECKPOINTS_MILLIS = 15_000;

  private final ClusterServers servers;
  private final ClusterJob job;
  private final RedisFaults redis;
  private final Random random;

  Faults(ClusterServers servers, ClusterJob job, Random random) {
    this.servers = servers;
    this.job = job;
    this.random = random;
    this.redis = new RedisFaults(servers.redis(), random);
  }

  /**
   * Makes one.
   *
   * @throws FailedRunException where a server did not come back
   */
  void make(FaultKind kind) {
    switch (kind) {
      case TASKMANAGER -> servers.flink().replaceTaskManager(taskManager());
      case JOBMANAGER -> {
        servers.flink().replaceJobManager();
        job.resubmit();
      }
      case BROKER -> {
        servers.broker().kill();
        Pause.millis(1_000 + random.nextInt(4_000));
        servers.broker().restart();
      }
      case REDIS_REPLICATED -> redis.killReplicated();
      case REDIS_SINGLE -> redis.killSingle();
      case WIPE -> redis.wipe();
      case STALL_REDIS -> redis.stall();
      case STALL_TASKMANAGER -> stallTaskManager();
      case CUT -> redis.cut();
      case RESCALE -> job.rescale(otherParallelism());
      case PHASE -> job.changePhase(otherPhase());
      case CHECKPOINT_DIRECTORY -> blockCheckpoints();
    }
  }

  private JvmProcess taskManager() {
    List<JvmProcess> all = servers.flink().taskManagers();
    return all.get(random.nextInt(all.size()));
  }

  private void stallTaskManager() {
    JvmProcess taskManager = taskManager();
    Signals.suspend(taskManager.pid());
    try {
      Pause.millis(TASK_MANAGER_STALL_MILLIS);
    } finally {
      Signals.resume(taskManager.pid());
    }
  }

  private String otherPhase() {
    List<String> others = PHASES.stream().filter(phase -> !phase.equals(job.phase())).toList();
    return others.get(random.nextInt(others.size()));
  }

  private int otherParallelism() {
    int other = 1 + random.nextInt(MOST_PARALLELISM - 1);
    return other < job.parallelism() ? other : other + 1;
  }

  /** Puts a file where the directory is; permissions would not stop a job that runs as root. */
  private void blockCheckpoints() {
    Path directory = servers.flink().checkpoints();
    Path aside = directory.resolveSibling("checkpoints-aside");
    try {
      Files.move(directory, aside);
      try {
        block(directory);
        Pause.millis(NO_CHECKPOINTS_MILLIS);
      } finally {
        Files.deleteIfExists(directory);
        Files.move(aside, directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot move " + directory, e);
    }
  }

  /** A checkpoint that begins just now may make the directory again: it goes. */
  private static void block(Path directory) throws IOException {
    while (!Files.isRegularFile(directory)) {
      RunDirectory.delete(directory);
      try {
        Files.createFile(directory);
      } catch (java.nio.file.FileAlreadyExistsException e) {
        // It was made once more.
        Thread.onSpinWait();
      }
    }
  }
}
