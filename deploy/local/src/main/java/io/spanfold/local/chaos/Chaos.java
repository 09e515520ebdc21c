package io.spanfold.local.chaos;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.local.chaos.load.TraceGenerator;
import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.ProgressLine;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.servers.ProcessServers;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** Injects faults while generated traces are sent, and compares the output with the input. */
public final class Chaos implements Command {

  /** The number of partitions of the source topic that the load is sent to. */
  static final int LOAD_PARTITIONS = 4;

  /** The partition that the second broker leads, and that only faults send to. */
  static final int FAULT_PARTITION = LOAD_PARTITIONS;

  /** How far a partition that is read to its end holds back the others. */
  static final Duration MAX_LAG = Duration.ofSeconds(6);

  /** How long an unreachable partition, or one with an open transaction, holds back the others. */
  static final Duration MAX_SILENCE = Duration.ofSeconds(40);

  private static final int DEFAULT_PARALLELISM = 2;
  private static final int MAX_PARALLELISM = 8;
  private static final int DEFAULT_MINUTES = 5;
  private static final int DEFAULT_RATE = 200;
  private static final String DEFAULT_PHASE = "distributed";

  /** The average number of spans of a generated trace. */
  static final double SPANS_PER_TRACE = 16;

  static final int TOO_LARGE_BYTES = 70_000;

  /** Chosen for {@link #OPTIONS}; see {@link TraceGenerator}. */
  static final TraceGenerator.Times TIMES = new TraceGenerator.Times(4_000, 5_000, 20_000, 10_000);

  static final Map<String, String> OPTIONS =
      Map.of(
          "source.max-lag", MAX_LAG.toSeconds() + " s",
          "source.max-silence", MAX_SILENCE.toSeconds() + " s",
          "segment.timeout", "12 s",
          "segment.root-timeout", "3 s",
          // Longer than a late span is late, and Redis full meanwhile: time goes on then, and what
          // waits in Kafka must still find its segment.
          "segment.late-grace", "75 s",
          "flush.lock-ttl", "110 s",
          "segment.max-age", "130 s",
          "segment.max-bytes", "100 kb",
          "flush.chunk-bytes", "60 kb");

  static final Map<String, String> FLINK =
      Map.of(
          "execution.checkpointing.interval", "3s",
          // The job's own strategy would give up: faults follow each other too closely.
          "restart-strategy.type", "exponential-delay",
          "restart-strategy.exponential-delay.initial-backoff", "1s",
          "restart-strategy.exponential-delay.max-backoff", "5s",
          "restart-strategy.exponential-delay.reset-backoff-threshold", "30s");

  private final RunDirectory directory;

  public Chaos(RunDirectory directory) {
    this.directory = directory;
  }

  @Override
  public String name() {
    return "chaos";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh chaos [--minutes N] [--seed N] [--faults LIST] [options] [-- job options]
        Starts what `cluster` does and a second broker, sends generated traces at a steady rate and
        injects one fault after another in random order; then compares the output with the input.
        --minutes N          of load (%d)
        --seed N             of the load and of the order of faults (default: a random one)
        --faults LIST        names, each with :TIMES to inject it more often, or none;
                             %s
        --rate N             spans per second (%d)
        --redis-mb N         memory limit of the three Redis masters together (default: none)
        --phase PHASE        the rollout phase that the job starts in (%s)
        --parallelism N      of the job at its start (%d); the source topic has %d partitions
        --kafka-port PORT, --web-port PORT   default: free ports
        Exits with 1 if a span was lost, doubled, unexplained or in a wrong segment, if output
        paused for longer than a fault explains, or if Redis keeps data of segments; the logs are
        then kept.
    """
        .formatted(
            DEFAULT_MINUTES,
            faults(),
            DEFAULT_RATE,
            DEFAULT_PHASE,
            DEFAULT_PARALLELISM,
            LOAD_PARTITIONS + 1);
  }

  /** Returns the names of all faults, on lines that fit into the help. */
  private static String faults() {
    String indent = ",\n" + " ".repeat(25);
    return Fault.listed()
        .replace(", stall-redis", indent + "stall-redis")
        .replace(", reshard", indent + "reshard")
        .replace(", slow-clock", indent + "slow-clock");
  }

  @Override
  public void run(List<String> given) throws IOException {
    Arguments arguments =
        Arguments.parse(
            given,
            Set.of(
                "minutes",
                "seed",
                "faults",
                "rate",
                "redis-mb",
                "phase",
                "parallelism",
                "kafka-port",
                "web-port"));
    int minutes = arguments.number("minutes", DEFAULT_MINUTES, 1, 24 * 60);
    int seed = arguments.number("seed", new Random().nextInt(1_000_000), 0, Integer.MAX_VALUE);
    int rate = arguments.number("rate", DEFAULT_RATE, 1, 100_000);
    long redisBytes =
        ((long) arguments.number("redis-mb", 0, 0, 1 << 20) << 20) / RedisCluster.MASTERS;
    int parallelism = arguments.number("parallelism", DEFAULT_PARALLELISM, 1, MAX_PARALLELISM);
    Random random = new Random(seed);
    FaultSchedule schedule =
        FaultSchedule.parse(arguments.text("faults"), new Random(random.nextLong()));
    JobOptions options = new JobOptions(arguments.jobOptions());
    OPTIONS.forEach(options::set);
    options.set("rollout.phase", phase(arguments, options));
    ProgressLine progress = new ProgressLine(Duration.ZERO);
    progress.print("seed " + seed + "; starting Kafka, a Redis Cluster and Flink");
    try (ProcessServers servers =
        ProcessServers.start(
            directory,
            ServerSettings.of(arguments, LOAD_PARTITIONS, FLINK).withRedisBytes(redisBytes))) {
      servers.startSecondBroker();
      RestartableJob job = RestartableJob.submit(servers, options, parallelism);
      progress.print("Flink's web UI: " + servers.flink().address());
      progress.print("Kafka:          " + servers.bootstrapServers());
      progress.print("Logs:           " + directory.logs());
      try (ChaosRun run = new ChaosRun(servers, job, schedule, rate, random, progress)) {
        run.run(Duration.ofMinutes(minutes), directory.logs().resolve("findings.log"));
      }
    }
  }

  private static String phase(Arguments arguments, JobOptions options) {
    if (options.isGiven("rollout.phase")) {
      throw new UsageException("--rollout.phase cannot be given here: give --phase before --");
    }
    String phase = arguments.text("phase").orElse(DEFAULT_PHASE);
    if (!FaultInjector.PHASES.contains(phase)) {
      throw new UsageException(
          "--phase is one of %s, not %s".formatted(String.join(", ", FaultInjector.PHASES), phase));
    }
    return phase;
  }
}
