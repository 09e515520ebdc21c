package io.spanfold.local.bench;

import java.util.Arrays;

/** Names of figures, and statistics over several rounds. CPU is in microseconds per span. */
final class Figures {

  static final String SPANS_PER_SECOND = "spansPerSecond";
  static final String MEGABYTES_PER_SECOND = "megabytesPerSecond";

  /** Flink's process without the JIT compiler. */
  static final String JOB_CPU = "jobCpuWithoutCompilingMicros";

  /** The JIT compiler in Flink's process, which vanishes in a long run. */
  static final String JIT_CPU = "compilingCpuMicros";

  static final String REDIS_CPU = "redisCpuMicros";
  static final String KAFKA_CPU = "kafkaCpuMicros";

  /** The sum of job, Redis and Kafka, without {@link #JIT_CPU}. */
  static final String CPU = "cpuWithoutCompilingMicros";

  static final String OUT_OVER_IN = "spansOutOverSpansIn";
  static final String CHECKPOINT_MILLIS = "checkpointMillis";

  /** The bytes written for a checkpoint. */
  static final String CHECKPOINT_MEGABYTES = "checkpointMegabytes";

  /** The bytes that a checkpoint refers to. */
  static final String STATE_MEGABYTES = "stateMegabytes";

  /** The longest synchronous phase of a checkpoint in a subtask that holds the traces. */
  static final String SYNC_MILLIS = "checkpointLongestSyncMillis";

  /** Commands that clients sent to Redis, per span. */
  static final String COMMANDS_SENT = "redisCommandsSentPerSpan";

  /** The same, including commands within scripts. */
  static final String COMMANDS_ALL = "redisCommandsPerSpan";

  static final String SCRIPT_CALLS = "redisScriptCallsPerSpan";

  /** The busiest node's share of the CPU of all nodes. */
  static final String BUSIEST_NODE = "redisBusiestNodeShare";

  /** The busiest node's share of all commands, including those within scripts. */
  static final String BUSIEST_NODE_COMMANDS = "redisBusiestNodeShareOfCommands";

  /** The fullest node's share of the memory of buffered spans. */
  static final String BUSIEST_NODE_MEMORY = "redisBusiestNodeShareOfMemory";

  static final String BYTES_BUFFERED = "redisBytesPerBufferedSpan";

  private Figures() {}

  /** Returns the median; NaN without values. */
  static double median(double... values) {
    return quantile(0.5, values);
  }

  /** Returns an interpolated quantile; NaN without values. */
  static double quantile(double q, double... values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = q * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  /** Returns the range as a fraction of the median; 0 for fewer than two values. */
  static double spread(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length < 2 ? 0 : (sorted[sorted.length - 1] - sorted[0]) / median(values);
  }
}
