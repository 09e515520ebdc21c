package io.spanfold.local;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a chaos run does to the job and its servers. The option's names are these in lower case. */
enum FaultKind {
  /** A task manager is killed, and another started. */
  TASKMANAGER,
  /** The job manager is killed; a new one gets the job with its last retained checkpoint. */
  JOBMANAGER,
  /** The broker is killed, and started again on its data. */
  BROKER,
  /** A Redis master is killed whose replica takes over; it comes back as the replica. */
  REDIS_REPLICATED,
  /** A Redis master without a replica is killed, and comes back empty. */
  REDIS_SINGLE,
  /** All Redis masters are emptied. */
  WIPE,
  /** A Redis master is stopped for half a minute, and goes on. */
  STALL_REDIS,
  /** A task manager is stopped for longer than its heartbeat, and goes on. */
  STALL_TASKMANAGER,
  /** Connections to Redis are cut, over and over, for some seconds. */
  CUT,
  /** The job is stopped with a savepoint, and goes on from it with another parallelism. */
  RESCALE,
  /** The job is stopped with a savepoint, and goes on from it in another rollout phase. */
  PHASE,
  /** The checkpoint directory cannot be written for a while. */
  CHECKPOINT_DIRECTORY;

  /** Returns the name on the command line, as {@code stall-redis}. */
  String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Returns the one of that name.
   *
   * @throws UsageException where there is none
   */
  static FaultKind of(String option) {
    return Arrays.stream(values())
        .filter(kind -> kind.option().equals(option))
        .findFirst()
        .orElseThrow(
            () -> new UsageException("there is no fault " + option + "; known are " + listed()));
  }

  /** Returns all names, for a reader. */
  static String listed() {
    return List.of(values()).stream().map(FaultKind::option).collect(Collectors.joining(", "));
  }
}
