package io.spanfold.local.bench;

import static io.spanfold.local.bench.Contender.RIVALS;

import io.spanfold.local.bench.Contender.Timeouts;
import io.spanfold.local.bench.Throughput.Limits;
import io.spanfold.local.bench.Throughput.Source;
import io.spanfold.local.bench.load.Load;
import io.spanfold.local.bench.load.Load.Shape;
import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.servers.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** Measures the job and the jobs that it is compared with on this machine. */
public final class Bench implements Command {

  private static final List<String> PARTS =
      List.of(
          "services", "typical", "crowded", "tiny", "memory", "phases", "loads", "growth", "live");

  /** The contenders under loads where only state in RocksDB is a fair comparison. */
  private static final List<Contender> FEW =
      List.of(Contender.SPANFOLD, Contender.SPANFOLD_HEAP, Contender.PLAIN_ROCKSDB);

  private static final int BUFFERED_SPANS = 600_000;

  /** The spans of the traces that are open at a time; more spans would mean more hot traces. */
  private static final int SKEWED_SPANS = 25_000;

  private final RunDirectory directory;
  private Plan plan;
  private List<String> parts;
  private Path output;
  private Optional<Path> profiles = Optional.empty();
  private Optional<Contender> baseline = Optional.empty();

  public Bench(RunDirectory directory) {
    this.directory = directory;
  }

  @Override
  public String name() {
    return "bench";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh bench [--quick] [options]
        Measures the job and what it is compared with, in turn: some two hours on two cores.
        --quick              under ten minutes: a smoke test, not to be quoted
        --only PART,PART     some of services, typical, crowded, tiny, memory, phases, loads,
                             growth, live
        --baseline JAR       also measures the job of another commit, in all parts but phases,
                             loads and growth
        --output FILE        the figures as JSON (notebooks/data/bench.json or bench-quick.json)
        --profiles DIR       also writes profiles of the job, one line per stack (Linux, macOS);
                             slows it down
    """;
  }

  @Override
  public void run(List<String> arguments) throws IOException {
    parse(arguments);
    long began = System.nanoTime();
    Report report = new Report();
    try (BenchServers servers = BenchServers.start(directory);
        BenchTopics topics = new BenchTopics(servers.bootstrapServers())) {
      Throughput throughput = new Throughput(servers, topics);
      if (parts.contains("services")) {
        headline(topics, throughput, report, Load.services(plan.servicesSpans()), RIVALS);
      }
      if (parts.contains("typical")) {
        headline(topics, throughput, report, Load.typical(plan.typicalSpans()), RIVALS);
      }
      if (parts.contains("crowded")) {
        headline(topics, throughput, report, Load.crowded(plan.crowdedSpans()), FEW);
      }
      if (parts.contains("tiny")) {
        headline(topics, throughput, report, Load.tiny(plan.tinySpans()), FEW);
      }
      if (parts.contains("memory")) {
        memory(topics, throughput, report);
      }
      if (parts.contains("phases")) {
        phases(topics, throughput, report);
      }
      if (parts.contains("loads")) {
        otherLoads(topics, throughput, report);
      }
      if (parts.contains("growth")) {
        growth(topics, throughput, report);
      }
      if (parts.contains("live")) {
        live(servers, topics, report);
      }
    }
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
    System.out.println(report.table());
    report.write(output, seconds);
    System.out.printf(
        Locale.ROOT, "%d min %d s; the figures are in %s%n", seconds / 60, seconds % 60, output);
    report.requireNoFailure();
  }

  private void parse(List<String> given) throws IOException {
    Arguments arguments =
        Arguments.parse(given, Set.of("only", "output", "profiles", "baseline"), Set.of("quick"));
    Path data = Path.of(System.getProperty("spanfold.repository", "."), "notebooks", "data");
    boolean quick = arguments.has("quick");
    plan = quick ? Plan.quick() : Plan.full();
    output =
        arguments
            .optionalFile("output")
            .orElse(data.resolve(quick ? "bench-quick.json" : "bench.json"));
    parts = arguments.text("only").map(Bench::parts).orElse(PARTS);
    baseline = arguments.optionalFile("baseline").map(Bench::baseline);
    if (arguments.has("profiles")) {
      profiles = Optional.of(Files.createDirectories(arguments.file("profiles")));
    }
  }

  private static Contender baseline(Path jar) {
    if (!Files.isRegularFile(jar)) {
      throw new UsageException("--baseline takes the jar of a job; there is no file " + jar);
    }
    return Contender.baseline(jar);
  }

  private static List<String> parts(String value) {
    List<String> chosen = List.of(value.split(","));
    for (String part : chosen) {
      if (!PARTS.contains(part)) {
        throw new UsageException("--only takes " + String.join(", ", PARTS) + ", not " + part);
      }
    }
    return chosen;
  }

  /** Measures several rounds of all contenders. */
  private void headline(
      BenchTopics topics,
      Throughput throughput,
      Report report,
      Load load,
      List<Contender> contenders) {
    Source source = fill(topics, load);
    List<Contender> all = withBaseline(contenders);
    for (int round = 1; round <= plan.rounds(); round++) {
      for (Contender contender : inRound(round, all)) {
        say("%s, round %d of %d: %s", load.name(), round, plan.rounds(), contender.label());
        measure(throughput, report, contender, source, Timeouts.STANDARD, plan.headline(), round);
      }
    }
    topics.delete(List.of(source.topic()));
  }

  private List<Contender> withBaseline(List<Contender> contenders) {
    List<Contender> all = new ArrayList<>(contenders);
    baseline.ifPresent(all::add);
    return all;
  }

  /** Returns the order of a round. Each begins with another one: the first to run is slower. */
  static <T> List<T> inRound(int round, List<T> all) {
    List<T> order = new ArrayList<>(all);
    Collections.rotate(order, 1 - round);
    return order;
  }

  private void memory(BenchTopics topics, Throughput throughput, Report report) {
    for (Load load : List.of(Load.services(BUFFERED_SPANS), Load.typical(BUFFERED_SPANS))) {
      Source source = fill(topics, load);
      for (Contender contender : withBaseline(List.of(Contender.SPANFOLD))) {
        buffer(throughput, report, contender, source);
      }
      topics.delete(List.of(source.topic()));
    }
  }

  private static void buffer(
      Throughput throughput, Report report, Contender contender, Source source) {
    say("buffered, %s: %s", source.load(), contender.label());
    Result result = throughput.measureBuffered(contender, source);
    say("  %.0f bytes of Redis per span", result.figure(Figures.BYTES_BUFFERED));
    report.addBuffered(result);
  }

  /** Each rollout phase, with equal traces and with a few that have most of the spans. */
  private void phases(BenchTopics topics, Throughput throughput, Report report) {
    for (Load load : List.of(Load.typical(plan.otherSpans()), Load.skewed(plan.otherSpans()))) {
      Source source = fill(topics, load).named("phases " + load.name());
      for (Contender contender : Contender.PHASES) {
        say("%s: %s", source.load(), contender.label());
        measure(throughput, report, contender, source, Timeouts.STANDARD, plan.other(), 1);
      }
      topics.delete(List.of(source.topic()));
    }
    for (Load load : List.of(Load.typical(BUFFERED_SPANS), Load.skewed(SKEWED_SPANS))) {
      Source source = fill(topics, load).named("phases " + load.name());
      for (Contender contender : Contender.PHASES) {
        buffer(throughput, report, contender, source);
      }
      topics.delete(List.of(source.topic()));
    }
  }

  private void otherLoads(BenchTopics topics, Throughput throughput, Report report) {
    List<Load> loads =
        List.of(
            Load.wide(plan.otherSpans()),
            Load.deep(plan.otherSpans()),
            Load.huge(plan.hugeSpans()));
    for (Load load : loads) {
      Source source = fill(topics, load);
      boolean huge = load.name().equals("huge");
      Limits limits = huge ? plan.other().withWarmUpSpans(plan.hugeSpans() / 4) : plan.other();
      List<Contender> contenders =
          plan.ceilingOfOthers()
              ? List.of(Contender.SPANFOLD, Contender.CEILING)
              : List.of(Contender.SPANFOLD);
      for (Contender contender : contenders) {
        say("%s: %s", load.name(), contender.label());
        measure(throughput, report, contender, source, Timeouts.STANDARD, limits, 1);
      }
      topics.delete(List.of(source.topic()));
    }
  }

  private void growth(BenchTopics topics, Throughput throughput, Report report) {
    openSegments(topics, throughput, report);
    int spans = plan.growthSpans();
    series(
        topics,
        throughput,
        report,
        plan.segmentSizes(),
        size -> Load.growth("size " + size, spans, size, open(size), Shape.RANDOM_TREE, 10_000));
    series(
        topics,
        throughput,
        report,
        plan.depths(),
        depth -> Load.growth("depth " + depth, spans, depth, open(depth), Shape.CHAIN, 10_000));
  }

  /** Returns how many segments have 20,000 spans together, at least two. */
  private static int open(int spansPerSegment) {
    return Math.max(2, 20_000 / spansPerSegment);
  }

  /**
   * Segments of two spans at 1,000 spans/s of record time: a timeout of {@code 2 * n} ms keeps
   * {@code n} segments open. So one topic serves all values.
   */
  private void openSegments(BenchTopics topics, Throughput throughput, Report report) {
    int most = plan.openSegments()[plan.openSegments().length - 1];
    int fill = 2 * most;
    Load load =
        Load.growth("open", fill + Math.max(600_000, plan.growthSpans()), 2, 50, Shape.FLAT, 1_000);
    Source source = fill(topics, load);
    for (int open : plan.openSegments()) {
      String name = "open %d".formatted(open);
      say("growth: %s", name);
      Source named = source.named(name);
      long timeout = 2L * open;
      int warmUpSpans = Math.max(plan.other().warmUpSpans(), 2 * open + open / 10);
      Limits limits = plan.other().withWarmUpSpans(warmUpSpans);
      measure(
          throughput,
          report,
          Contender.SPANFOLD,
          named,
          new Timeouts(Math.max(timeout, 61_000), timeout),
          limits,
          1);
    }
    topics.delete(List.of(source.topic()));
  }

  private void series(
      BenchTopics topics,
      Throughput throughput,
      Report report,
      int[] sizes,
      IntFunction<Load> loads) {
    for (int size : sizes) {
      Source source = fill(topics, loads.apply(size));
      say("growth: %s", source.load());
      measure(throughput, report, Contender.SPANFOLD, source, Timeouts.STANDARD, plan.other(), 1);
      topics.delete(List.of(source.topic()));
    }
  }

  private void live(BenchServers servers, BenchTopics topics, Report report) {
    LiveRun run = new LiveRun(servers, topics);
    for (Contender contender : withBaseline(List.of(Contender.SPANFOLD))) {
      live(run, report, contender, "services", Load::services, false);
    }
    for (Contender contender : withBaseline(List.of(Contender.SPANFOLD))) {
      live(run, report, contender, "typical", Load::typical, contender.equals(Contender.SPANFOLD));
    }
  }

  private void live(
      LiveRun run,
      Report report,
      Contender contender,
      String name,
      IntFunction<Load> load,
      boolean recovery) {
    say("live, %s, %d s at 10,000 spans/s: %s", name, plan.liveSeconds(), contender.label());
    LiveRun.Settings settings =
        new LiveRun.Settings(load, plan.headline().maxWarmUp(), plan.liveSeconds(), recovery);
    try {
      report.live(name, contender, run.measure(contender, settings));
    } catch (FailedRunException e) {
      if (interrupted()) {
        throw e;
      }
      say("  failed: %s", e.getMessage());
      report.failed("live, " + name + ", " + contender.label() + ": " + e.getMessage());
    }
  }

  private void measure(
      Throughput throughput,
      Report report,
      Contender contender,
      Source source,
      Timeouts timeouts,
      Limits limits,
      int round) {
    Optional<Path> profile =
        profiles.map(
            to ->
                to.resolve(
                    "%s-%s-%d.collapsed"
                        .formatted(contender.label(), source.load().replace(' ', '-'), round)));
    Result result;
    try {
      result = throughput.measure(contender, source, timeouts, limits, profile);
    } catch (FailedRunException e) {
      if (interrupted()) {
        throw e;
      }
      // The other runs can still be measured.
      say("  failed: %s", e.getMessage());
      report.failed(source.load() + ", " + contender.label() + ": " + e.getMessage());
      return;
    }
    say(
        "  %,.0f spans/s, %.1f us of CPU per span, and %.1f for compiling",
        result.figure(Figures.SPANS_PER_SECOND),
        result.figure(Figures.CPU),
        result.figure(Figures.JIT_CPU));
    report.add(result);
  }

  private static boolean interrupted() {
    return Thread.currentThread().isInterrupted();
  }

  private static Source fill(BenchTopics topics, Load load) {
    String topic = "bench-" + load.name().replace(' ', '-') + "-" + load.spans();
    say("filling %s with %,d spans", topic, load.spans());
    long bytes = topics.fill(topic, load);
    settle();
    return new Source(topic, load.name(), load.spans(), bytes);
  }

  /** Flushes the page cache, so that this does not happen during the measurement. */
  private static void settle() {
    try {
      new ProcessBuilder("sync").start().waitFor(60, TimeUnit.SECONDS);
    } catch (IOException e) {
      // There is no such program; the first run is slightly disturbed.
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void say(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
    System.out.flush();
  }
}
