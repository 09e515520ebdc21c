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
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Injects faults. Each call returns when the servers are back; the job may still be recovering. */
final class FaultInjector {

  /** The rollout phases in the order of a rollout. */
  static final List<String> PHASES = List.of("merged", "dual-write", "dual-read", "distributed");

  /** More than two heartbeat timeouts. */
  static final Duration TASK_MANAGER_STALL = Duration.ofSeconds(15);

  static final Duration REDIS_STALL = Duration.ofSeconds(30);

  /** How long moving some hundred slots may hold up the output. */
  static final Duration RESHARD = Duration.ofSeconds(20);

  static final Duration NO_CHECKPOINTS = Duration.ofSeconds(15);

  /** How long a server is down at most before it is restarted. */
  static final Duration DOWN = Duration.ofSeconds(5);

  private static final long MIN_DOWN_MILLIS = 1_000;

  /** Above the number of partitions, so that a subtask has none. */
  private static final int MAX_PARALLELISM = Chaos.LOAD_PARTITIONS + 2;

  private final ProcessServers servers;
  private final RestartableJob job;
  private final RedisFaults redis;
  private final RedisRefusals refusals;
  private final SourceFaults source;
  private final Random random;

  FaultInjector(ProcessServers servers, RestartableJob job, SourceFaults source, Random random) {
    this.servers = servers;
    this.job = job;
    this.source = source;
    this.random = random;
    this.redis = new RedisFaults(servers.redis(), random);
    this.refusals = new RedisRefusals(servers.redis(), new Random(random.nextLong()));
  }

  /**
   * Injects a fault.
   *
   * @return what was done, if there is a choice; otherwise its name
   * @throws FailedRunException if a server does not restart
   */
  String inject(Fault fault) {
    String detail = "";
    switch (fault) {
      case TASKMANAGER -> servers.flink().replaceTaskManager(taskManager());
      case JOBMANAGER -> {
        servers.flink().replaceJobManager();
        job.resubmit();
      }
      case BROKER -> {
        long killed = System.nanoTime();
        servers.broker().kill();
        Await.millis(downMillis(random));
        servers.broker().restart();
        checkOutage(Duration.ofNanos(System.nanoTime() - killed));
      }
      case REDIS_REPLICATED -> redis.killReplicated();
      case REDIS_SINGLE -> redis.killSingle();
      case WIPE -> redis.wipe();
      case STALL_REDIS -> {
        RedisNode master = redis.master();
        ProcessSignals.suspend(master.pid(), REDIS_STALL);
        servers.redis().awaitWhole();
      }
      case STALL_TASKMANAGER -> ProcessSignals.suspend(taskManager().pid(), TASK_MANAGER_STALL);
      case CUT -> redis.cut();
      case REFUSE_WRITES -> detail = refusals.refuse();
      case RESHARD -> detail = redis.reshard();
      case FULL -> redis.fill();
      case SCRIPT_FLUSH -> redis.flushScripts();
      case RESCALE -> job.rescale(otherParallelism());
      case PHASE -> job.changePhase(otherPhase());
      case CHECKPOINT_DIRECTORY -> blockCheckpoints();
      case OPEN_TRANSACTION -> source.openTransaction();
      case SLOW_CLOCK -> source.slowClock();
      case OLD_TIMESTAMP -> source.oldTimestamps();
      case LEADER_AWAY -> source.leaderAway();
      case RETENTION -> source.retention();
    }
    return detail.isEmpty() ? fault.option() : "%s (%s)".formatted(fault.option(), detail);
  }

  /** A longer outage of the load's partitions cuts segments by their timeout, as it should. */
  private static void checkOutage(Duration outage) {
    if (outage.compareTo(Chaos.MAX_SILENCE) > 0) {
      throw new FailedRunException(
          "the broker was away for %d s, but the job waits for its partitions for %d s only, so the run shows nothing; run less beside it"
              .formatted(outage.toSeconds(), Chaos.MAX_SILENCE.toSeconds()));
    }
  }

  /** Returns for how long a server is down: a random time from a second to {@link #DOWN}. */
  static long downMillis(Random random) {
    return random.nextLong(MIN_DOWN_MILLIS, DOWN.toMillis());
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

  /** Replaces the directory by a file: permissions would not stop a job that runs as root. */
  private void blockCheckpoints() {
    Path directory = servers.flink().checkpoints();
    Path moved = directory.resolveSibling("checkpoints-moved");
    try {
      Files.move(directory, moved);
      try {
        block(directory);
        Await.millis(NO_CHECKPOINTS.toMillis());
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
