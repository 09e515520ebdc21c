package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.servers.JvmProcess;
import io.spanfold.local.servers.ProcessServers;
import io.spanfold.local.servers.RunDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Injects faults. Each call returns when the servers are back; the job may still be recovering. */
final class FaultInjector {

  /** The rollout phases in the order of a rollout. */
  static final List<String> PHASES = List.of("merged", "dual-write", "dual-read", "distributed");

  private static final int MAX_PARALLELISM = 4;

  /** More than two heartbeat timeouts. */
  private static final long TASK_MANAGER_STALL_MILLIS = 15_000;

  private static final long REDIS_STALL_MILLIS = 30_000;
  private static final long NO_CHECKPOINTS_MILLIS = 15_000;

  private final ProcessServers servers;
  private final RestartableJob job;
  private final RedisFaults redis;
  private final Random random;

  FaultInjector(ProcessServers servers, RestartableJob job, Random random) {
    this.servers = servers;
    this.job = job;
    this.random = random;
    this.redis = new RedisFaults(servers.redis(), random);
  }

  /**
   * Injects a fault.
   *
   * @throws FailedRunException if a server does not restart
   */
  void inject(Fault fault) {
    switch (fault) {
      case TASKMANAGER -> servers.flink().replaceTaskManager(taskManager());
      case JOBMANAGER -> {
        servers.flink().replaceJobManager();
        job.resubmit();
      }
      case BROKER -> {
        servers.broker().kill();
        Await.millis(1_000 + random.nextInt(4_000));
        servers.broker().restart();
      }
      case REDIS_REPLICATED -> redis.killReplicated();
      case REDIS_SINGLE -> redis.killSingle();
      case WIPE -> redis.wipe();
      case STALL_REDIS -> {
        RedisNode master = redis.master();
        stall(master.pid(), REDIS_STALL_MILLIS);
        servers.redis().awaitWhole();
      }
      case STALL_TASKMANAGER -> stall(taskManager().pid(), TASK_MANAGER_STALL_MILLIS);
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

  private String otherPhase() {
    List<String> others = PHASES.stream().filter(phase -> !phase.equals(job.phase())).toList();
    return others.get(random.nextInt(others.size()));
  }

  private int otherParallelism() {
    int other = 1 + random.nextInt(MAX_PARALLELISM - 1);
    return other < job.parallelism() ? other : other + 1;
  }

  /** Suspends a process, which then keeps its connections but does not answer. */
  private static void stall(long pid, long millis) {
    signal("-STOP", pid);
    try {
      Await.millis(millis);
    } finally {
      signal("-CONT", pid);
    }
  }

  private static void signal(String signal, long pid) {
    try {
      int code = new ProcessBuilder("kill", signal, String.valueOf(pid)).start().waitFor();
      if (code != 0) {
        throw new FailedRunException("kill " + signal + " " + pid + " failed");
      }
    } catch (IOException e) {
      throw new FailedRunException("the program kill is missing; cannot send " + signal, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while sending " + signal, e);
    }
  }

  /** Replaces the directory by a file: permissions would not stop a job that runs as root. */
  private void blockCheckpoints() {
    Path directory = servers.flink().checkpoints();
    Path moved = directory.resolveSibling("checkpoints-moved");
    try {
      Files.move(directory, moved);
      try {
        block(directory);
        Await.millis(NO_CHECKPOINTS_MILLIS);
      } finally {
        Files.deleteIfExists(directory);
        Files.move(moved, directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot move " + directory, e);
    }
  }

  private static void block(Path directory) throws IOException {
    while (!Files.isRegularFile(directory)) {
      RunDirectory.delete(directory);
      try {
        Files.createFile(directory);
      } catch (FileAlreadyExistsException e) {
        // A checkpoint that is just starting has created the directory again.
        Thread.onSpinWait();
      }
    }
  }
}
