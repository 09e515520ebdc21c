package io.spanfold.local.bench;

import java.util.Arrays;

/** Names of figures, and statistics over several rounds. CPU is in microseconds a span. */
final class Figures {

  static final String SPANS_PER_SECOND = "spansPerSecond";
  static final String MEGABYTES_PER_SECOND = "megabytesPerSecond";
  static final String JOB_CPU = "jobCpuMicros";

  /** The share of {@link #JOB_CPU} that went into compiling, which ends as a job gets older. */
  static final String JIT_CPU = "jitCpuMicros";

  static final String REDIS_CPU = "redisCpuMicros";
  static final String KAFKA_CPU = "kafkaCpuMicros";
  static final String OUT_OVER_IN = "spansOutOverSpansIn";
  static final String CHECKPOINT_MILLIS = "checkpointMillis";

  /** What was written for a checkpoint. */
  static final String CHECKPOINT_MEGABYTES = "checkpointMegabytes";

  /** All that a checkpoint refers to. */
  static final String STATE_MEGABYTES = "stateMegabytes";

  /** Commands that clients sent to Redis, a span. */
  static final String COMMANDS_SENT = "redisCommandsSentPerSpan";

  /** The same with those within scripts. */
  static final String COMMANDS_ALL = "redisCommandsPerSpan";

  static final String SCRIPT_CALLS = "redisScriptCallsPerSpan";

  /** Share of the busiest of the nodes in the CPU of all. */
  static final String BUSIEST_NODE = "redisBusiestNodeShare";

  /** Share of the busiest of the nodes in the commands that all run, those within scripts too. */
  static final String BUSIEST_NODE_COMMANDS = "redisBusiestNodeShareOfCommands";

  /** Share of the fullest of the nodes in what buffered spans take. */
  static final String BUSIEST_NODE_MEMORY = "redisBusiestNodeShareOfMemory";

  static final String BYTES_BUFFERED = "redisBytesPerBufferedSpan";

  private Figures() {}

  /** Returns the median; NaN of nothing. */
  static double median(double... values) {
    return quantile(0.5, values);
  }

  /** Returns a quantile, interpolated; NaN of nothing. */
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

  /** Returns how far the values lie apart, as a share of their median; 0 of fewer than two. */
  static double spread(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length < 2 ? 0 : (sorted[sorted.length - 1] - sorted[0]) / median(values);
  }
}
