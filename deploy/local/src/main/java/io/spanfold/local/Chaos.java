package io.spanfold.local;

import io.spanfold.local.load.Ledger;
import io.spanfold.local.load.TraceGenerator;
import io.spanfold.local.load.Verdict;
import io.spanfold.local.load.Verdict.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Plays a load of generated traces on processes of its own, lets one fault after another happen,
 * and holds what came out against what went in.
 */
final class Chaos implements Command {

  private static final int PARTITIONS = 4;
  private static final int PARALLELISM = 2;
  private static final int DEFAULT_MINUTES = 5;
  private static final int DEFAULT_RATE = 200;
  private static final String DEFAULT_PHASE = "distributed";
  static final double SPANS_A_TRACE = 16;
  static final int TOO_LARGE_BYTES = 70_000;

  /** What the options below leave room for: see {@link TraceGenerator}. */
  static final TraceGenerator.Times TIMES = new TraceGenerator.Times(4_000, 5_000, 20_000, 10_000);

  static final Map<String, String> OPTIONS =
      Map.of(
          "segment.timeout", "12 s",
          "segment.root-timeout", "3 s",
          "segment.late-grace", "30 s",
          "flush.lock-ttl", "70 s",
          "segment.max-age", "90 s",
          "segment.max-bytes", "100 kb",
          "flush.chunk-bytes", "60 kb");

  static final Map<String, String> FLINK =
      Map.of(
          "execution.checkpointing.interval", "3s",
          // Faults come closer together than the job's own strategy has patience for.
          "restart-strategy.type", "exponential-delay",
          "restart-strategy.exponential-delay.initial-backoff", "1s",
          "restart-strategy.exponential-delay.max-backoff", "5s",
          "restart-strategy.exponential-delay.reset-backoff-threshold", "30s");

  private static final Duration RECOVERY_TIMEOUT = Duration.ofMinutes(4);
  private static final Duration FLUSH_TIMEOUT = Duration.ofMinutes(2);
  private static final int FINDINGS_SHOWN = 10;

  private final RunDirectory directory;
  private final ProgressLine progress = new ProgressLine(Duration.ZERO);

  Chaos(RunDirectory directory) {
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
        Starts what `cluster` does, plays a steady load of generated traces and lets one fault
        after another happen, at random; then compares what came out with what went in.
        --minutes N          of load (%d)
        --seed N             of the load and the order of faults (a random one)
        --faults LIST        names, each with :TIMES if it is to come more often, or none;
                             %s
        --rate N             spans a second (%d)
        --phase PHASE        the rollout phase that the job begins in (%s)
        --kafka-port PORT, --web-port PORT   free ones unless given
        Exits with 1 if a span was lost, doubled, or in a wrong segment; the logs are kept then.
    """
        .formatted(
            DEFAULT_MINUTES,
            FaultKind.listed().replace(", stall-redis", ",\n" + " ".repeat(25) + "stall-redis"),
            DEFAULT_RATE,
            DEFAULT_PHASE);
  }

  @Override
  public void run(List<String> given) throws IOException {
    Arguments arguments =
        Arguments.parse(
            given, Set.of("minutes", "seed", "faults", "rate", "phase", "kafka-port", "web-port"));
    int minutes = arguments.number("minutes", DEFAULT_MINUTES, 1, 24 * 60);
    int seed = arguments.number("seed", new Random().nextInt(1_000_000), 0, Integer.MAX_VALUE);
    int rate = arguments.number("rate", DEFAULT_RATE, 1, 100_000);
    Random random = new Random(seed);
    FaultDeck deck = FaultDeck.parse(arguments.text("faults"), new Random(random.nextLong()));
    JobOptions options = new JobOptions(arguments.jobOptions());
    OPTIONS.forEach(options::set);
    options.set("rollout.phase", phase(arguments, options));
    progress.print("seed " + seed + "; starting Kafka, a Redis Cluster and Flink");
    ClusterServers.Settings settings =
        new ClusterServers.Settings(
            PARTITIONS, arguments.port("kafka-port"), arguments.port("web-port"), FLINK);
    try (ClusterServers servers = ClusterServers.start(directory, settings)) {
      ClusterJob job = ClusterJob.submit(servers, options, PARALLELISM);
      progress.print("Flink's web UI: " + servers.flink().address());
      progress.print("Kafka:          " + servers.broker().bootstrapServers());
      progress.print("Logs:           " + directory.logs());
      Ledger ledger = new Ledger();
      TraceGenerator generator = new TraceGenerator(random.nextLong(), TIMES, TOO_LARGE_BYTES);
      try (OutputReader output = new OutputReader(servers.broker().bootstrapServers(), ledger);
          LoadPlayer load =
              new LoadPlayer(
                  generator,
                  ledger,
                  servers.broker().bootstrapServers(),
                  new Random(random.nextLong()),
                  rate / SPANS_A_TRACE)) {
        Faults faults = new Faults(servers, job, new Random(random.nextLong()));
        new Run(servers, job, ledger, output, load, deck, faults, new Random(random.nextLong()))
            .play(Duration.ofMinutes(minutes));
      }
    }
  }

  private static String phase(Arguments arguments, JobOptions options) {
    if (options.isGiven("rollout.phase")) {
      throw new UsageException("--rollout.phase cannot be given here: give --phase before --");
    }
    String phase = arguments.text("phase").orElse(DEFAULT_PHASE);
    if (!Faults.PHASES.contains(phase)) {
      throw new UsageException(
          "--phase is one of %s, not %s".formatted(String.join(", ", Faults.PHASES), phase));
    }
    return phase;
  }

  /** One run, from the first span to the table. */
  private final class Run {
    private final ClusterServers servers;
    private final ClusterJob job;
    private final Ledger ledger;
    private final OutputReader output;
    private final LoadPlayer load;
    private final FaultDeck deck;
    private final Faults faults;
    private final Random random;
    private final List<FaultRun> runs = new ArrayList<>();
    private final long begun = System.currentTimeMillis();

    Run(
        ClusterServers servers,
        ClusterJob job,
        Ledger ledger,
        OutputReader output,
        LoadPlayer load,
        FaultDeck deck,
        Faults faults,
        Random random) {
      this.servers = servers;
      this.job = job;
      this.ledger = ledger;
      this.output = output;
      this.load = load;
      this.deck = deck;
      this.faults = faults;
      this.random = random;
    }

    void play(Duration duration) throws IOException {
      Optional<String> cutShort = Optional.empty();
      long flowing = begun;
      try {
        load.start();
        output.start();
        awaitRecovery(begun);
        flowing = System.currentTimeMillis();
        tell("output flows");
        makeFaults(begun + duration.toMillis());
        finish();
      } catch (FailedRunException e) {
        // What there is tells more than the failure alone.
        cutShort = Optional.of(e.getMessage());
        tell("cut short: " + e.getMessage());
      }
      report(flowing, cutShort);
    }

    private void makeFaults(long until) {
      while (System.currentTimeMillis() < until) {
        Pause.millis(3_000 + random.nextInt(5_000));
        load.check();
        if (!deck.isEmpty()) {
          make(deck.draw());
        }
      }
    }

    private void make(FaultKind kind) {
      long at = System.currentTimeMillis();
      tell(kind.option());
      faults.make(kind);
      long over = System.currentTimeMillis();
      try {
        awaitRecovery(over);
      } finally {
        long recovered = System.currentTimeMillis();
        long gap = output.longestGap(at, recovered);
        runs.add(new FaultRun(kind, at, recovered, gap));
        tell(
            String.format(
                Locale.ROOT,
                "%s: over after %.1f s, recovered after %.1f s, longest gap %.1f s, parallelism %d, %s",
                kind.option(),
                (over - at) / 1e3,
                (recovered - at) / 1e3,
                gap / 1e3,
                job.parallelism(),
                job.phase()));
      }
    }

    /** Waits until all tasks run, a checkpoint has completed and output has come since. */
    private void awaitRecovery(long sinceMillis) {
      boolean recovered =
          Pause.until(
              () ->
                  job.runs()
                      && job.hasCheckpointSince(sinceMillis)
                      && output.hasOutputSince(sinceMillis),
              RECOVERY_TIMEOUT);
      if (!recovered) {
        throw new FailedRunException(
            "no output and checkpoint within %d s".formatted(RECOVERY_TIMEOUT.toSeconds()));
      }
    }

    private void finish() throws IOException {
      load.finish();
      tell("the load has ended");
      if (!Pause.until(() -> ledger.missing() == 0, FLUSH_TIMEOUT)) {
        tell(
            "%d spans and dead letters have not come out by themselves"
                .formatted(ledger.missing()));
      }
      job.stop(true);
      output.finish();
    }

    private void report(long flowing, Optional<String> cutShort) throws IOException {
      Verdict verdict = ledger.verdict(System.currentTimeMillis());
      RedisLeftovers left = RedisLeftovers.in(new RedisFaults(servers.redis(), random).masters());
      Files.write(
          directory.logs().resolve("findings.log"),
          verdict.findings().stream().map(Chaos::line).toList());
      progress.print("");
      progress.print(ChaosReport.table(runs, longestGapBetween(flowing), verdict));
      progress.print(ChaosReport.summary(verdict));
      progress.print(left.toString());
      if (load.putOffMillis() > 0) {
        progress.print(
            "the load stood still for %.1f s in all".formatted(load.putOffMillis() / 1e3));
      }
      verdict.findings().stream().limit(FINDINGS_SHOWN).map(Chaos::line).forEach(progress::print);
      if (cutShort.isPresent()) {
        throw new FailedRunException("the run was cut short: " + cutShort.get());
      }
      if (!verdict.isGood()) {
        throw new FailedRunException("what came out is not what went in; findings.log has it all");
      }
      if (!left.withoutTtl().isEmpty() || deck.isEmpty() && left.ofSegments() > 0) {
        throw new FailedRunException("Redis holds what nothing will end: " + left);
      }
    }

    /** Returns the longest time without output that no fault explains, in ms. */
    private long longestGapBetween(long flowing) {
      long longest = 0;
      long from = flowing;
      for (FaultRun run : runs) {
        longest = Math.max(longest, output.longestGapWithin(from, run.beganMillis()));
        from = run.recoveredMillis();
      }
      return longest;
    }

    private void tell(String text) {
      long seconds = (System.currentTimeMillis() - begun) / 1_000;
      progress.print(
          String.format(
              Locale.ROOT,
              "%02d:%02d %,d spans in, %,d out | %s",
              seconds / 60,
              seconds % 60,
              ledger.sentSpans(),
              ledger.cameOut(),
              text));
    }
  }

  private static String line(Finding finding) {
    return "%s %s %s (sent %tT, found %tT)"
        .formatted(
            finding.flaw(),
            finding.what(),
            finding.detail(),
            finding.sentMillis(),
            finding.foundMillis());
  }
}
