package io.spanfold.local.chaos;

import io.spanfold.local.cli.UsageException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The faults that a chaos run injects; in lower case, the values of an option. */
enum Fault {
  /** A task manager is killed and replaced. */
  TASKMANAGER,
  /** The job manager is killed; a new one gets the job with its last retained checkpoint. */
  JOBMANAGER,
  /** The broker is killed, and restarted on its data. */
  BROKER,
  /** A Redis master with a replica is killed, and restarted as the replica. */
  REDIS_REPLICATED,
  /** A Redis master without a replica is killed, and restarted empty. */
  REDIS_SINGLE,
  /** All keys in Redis are deleted. */
  WIPE,
  /** A Redis master is suspended for half a minute. */
  STALL_REDIS,
  /** A task manager is suspended for longer than its heartbeat timeout. */
  STALL_TASKMANAGER,
  /** All connections to Redis are closed repeatedly, for some seconds. */
  CUT,
  /** The job is restarted from a savepoint with another parallelism. */
  RESCALE,
  /** The job is restarted from a savepoint in another rollout phase. */
  PHASE,
  /** The checkpoint directory is not writable for a while. */
  CHECKPOINT_DIRECTORY;

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
