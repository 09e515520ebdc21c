package io.spanfold.local.chaos;

import io.spanfold.local.cli.UsageException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The faults that a chaos run injects; in lower case, the values of an option. */
enum Fault {
  /** A task manager is killed and replaced. */
  TASKMANAGER(Duration.ZERO, Gap.RESTART),
  /** The job manager is killed; a new one gets the job with its last retained checkpoint. */
  JOBMANAGER(Duration.ZERO, Gap.RESTART),
  /** The broker is killed, and restarted on its data. */
  BROKER(FaultInjector.DOWN, Gap.OUTAGE_OF_KAFKA),
  /** A Redis master with a replica is killed, and restarted as the replica. */
  REDIS_REPLICATED(Duration.ZERO, Gap.RESTART),
  /** A Redis master without a replica is killed, and restarted empty. */
  REDIS_SINGLE(FaultInjector.DOWN, Gap.RESTART),
  /** All keys in Redis are deleted. */
  WIPE(Duration.ZERO, Gap.CONTINUE),
  /** A Redis master is suspended for half a minute. */
  STALL_REDIS(FaultInjector.REDIS_STALL, Gap.CONTINUE),
  /** A task manager is suspended for longer than its heartbeat timeout. */
  STALL_TASKMANAGER(FaultInjector.TASK_MANAGER_STALL, Gap.RESTART),
  /** All connections to Redis are closed repeatedly, for some seconds. */
  CUT(RedisFaults.CUT, Gap.CONTINUE),
  /** Redis nodes refuse writes for a while, for one of several reasons. */
  REFUSE_WRITES(RedisRefusals.LONGEST, Gap.CONTINUE),
  /** Slots are moved from one Redis master to another. */
  RESHARD(FaultInjector.RESHARD, Gap.CONTINUE),
  /** The memory limit of Redis is below what it uses for a while. */
  FULL(RedisFaults.FULL, Gap.CONTINUE),
  /** All scripts in Redis are deleted repeatedly, for some seconds. */
  SCRIPT_FLUSH(RedisFaults.SCRIPT_FLUSH, Gap.CONTINUE),
  /** The job is restarted from a savepoint with another parallelism. */
  RESCALE(Duration.ZERO, Gap.RESTART),
  /** The job is restarted from a savepoint in another rollout phase. */
  PHASE(Duration.ZERO, Gap.RESTART),
  /** The checkpoint directory is not writable for a while. */
  CHECKPOINT_DIRECTORY(FaultInjector.NO_CHECKPOINTS, Gap.CONTINUE),
  /** Producers keep transactions open in two partitions of the source topic. */
  OPEN_TRANSACTION(Chaos.MAX_SILENCE, Gap.CONTINUE),
  /** A producer whose clock is an hour behind writes to a partition, alone. */
  SLOW_CLOCK(Chaos.MAX_LAG, Gap.CONTINUE),
  /** Single records of the load have timestamps of long ago. */
  OLD_TIMESTAMP(Chaos.MAX_LAG, Gap.CONTINUE),
  /** The leader of a partition of the source topic is killed or suspended for a while. */
  LEADER_AWAY(Chaos.MAX_SILENCE, Gap.CONTINUE),
  /** Records are deleted from the source topic that the job, which is down, has not read yet. */
  RETENTION(Duration.ZERO, Gap.RESTART);

  /**
   * How long no output may come after what stopped it is over, several times as long as on an idle
   * machine.
   */
  private static final class Gap {
    /** A checkpoint and a commit. */
    private static final Duration CONTINUE = Duration.ofSeconds(20);

    /** Also a failover, or the stop and the start of the job. */
    private static final Duration RESTART = Duration.ofSeconds(45);

    /** Also the time for which a partition without new records waits for producers. */
    private static final Duration OUTAGE_OF_KAFKA = RESTART.plusSeconds(30);
  }

  /** The longest time without output when there is no fault. */
  static final Duration LONGEST_GAP_WITHOUT = Gap.CONTINUE;

  private final Duration longestGap;

  /**
   * A fault.
   *
   * @param stops how long it may stop the output
   * @param after how long no output may come after that
   */
  Fault(Duration stops, Duration after) {
    this.longestGap = stops.plus(after);
  }

  /** Returns the longest time without output that the fault explains. */
  Duration longestGap() {
    return longestGap;
  }

  /** Returns the name on the command line, as {@code stall-redis}. */
  String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Returns the fault with that name.
   *
   * @throws UsageException if there is none
   */
  static Fault of(String option) {
    return Arrays.stream(values())
        .filter(fault -> fault.option().equals(option))
        .findFirst()
        .orElseThrow(
            () -> new UsageException("there is no fault " + option + "; known are " + listed()));
  }

  /** Returns all names, separated by commas. */
  static String listed() {
    return List.of(values()).stream().map(Fault::option).collect(Collectors.joining(", "));
  }
}
