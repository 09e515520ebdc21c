package io.spanfold.local.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.spanfold.local.cli.FailedRunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Collects the results and writes them as tables and as JSON. For use by one thread. */
final class Report {

  /** The loads whose medians are compared, and for the first two the threads. */
  private static final List<String> HEADLINES = List.of("services", "typical", "crowded", "tiny");

  private static final int MAX_THREAD_KINDS = 24;

  private final List<Result> results = new ArrayList<>();
  private final List<Result> buffered = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final Map<String, Map<String, Double>> live = new LinkedHashMap<>();

  void add(Result result) {
    results.add(result);
  }

  /** Adds a failed run and its reason. */
  void failed(String what) {
    failures.add(what);
  }

  /**
   * Checks that no run has failed.
   *
   * @throws FailedRunException that names the failed runs
   */
  void requireNoFailure() {
    if (!failures.isEmpty()) {
      throw new FailedRunException("some runs failed; " + String.join("; ", failures));
    }
  }

  /** Adds a result of the memory measurement. */
  void addBuffered(Result result) {
    buffered.add(result);
  }

  /** Adds the figures of a run at the natural pace of a load. */
  void live(String load, Contender contender, Map<String, Double> figures) {
    live.put(load + "/" + contender.label(), figures);
  }

  /** Returns all tables. */
  String table() {
    StringBuilder text = new StringBuilder();
    throughput(text);
    ratios(text);
    redis(text);
    threads(text);
    liveTable(text);
    return text.toString();
  }

  /** Groups the results by load and contender, in the order of their first result. */
  private Map<String, List<Result>> groups() {
    Map<String, List<Result>> groups = new LinkedHashMap<>();
    for (Result result : results) {
      groups
          .computeIfAbsent(result.load() + "/" + result.contender(), k -> new ArrayList<>())
          .add(result);
    }
    return groups;
  }

  private double median(String load, String contender, String figure) {
    List<Result> group = groups().getOrDefault(load + "/" + contender, List.of());
    return Figures.median(Result.figures(group, figure));
  }

  private void throughput(StringBuilder text) {
    if (results.isEmpty()) {
      return;
    }
    line(
        text,
        "%n%-14s %-14s %9s %7s %7s %8s %8s %8s %8s %9s %8s %8s %8s %8s",
        "load",
        "job",
        "spans/s",
        "spread",
        "MB/s",
        "CPU us",
        "job us",
        "redis us",
        "kafka us",
        "compiling",
        "out/in",
        "chkpt ms",
        "sync ms",
        "chkpt MB");
    groups()
        .forEach(
            (name, group) ->
                line(
                    text,
                    "%-14s %-14s %9s %6.0f%% %7s %8s %8s %8s %8s %9s %8s %8s %8s %8s",
                    group.get(0).load(),
                    group.get(0).contender(),
                    of(group, Figures.SPANS_PER_SECOND, "%,.0f"),
                    100 * Figures.spread(Result.figures(group, Figures.SPANS_PER_SECOND)),
                    of(group, Figures.MEGABYTES_PER_SECOND, "%.1f"),
                    of(group, Figures.CPU, "%.1f"),
                    of(group, Figures.JOB_CPU, "%.1f"),
                    of(group, Figures.REDIS_CPU, "%.1f"),
                    of(group, Figures.KAFKA_CPU, "%.1f"),
                    of(group, Figures.JIT_CPU, "%.1f"),
                    of(group, Figures.OUT_OVER_IN, "%.2f"),
                    of(group, Figures.CHECKPOINT_MILLIS, "%,.0f"),
                    of(group, Figures.SYNC_MILLIS, "%,.0f"),
                    of(group, Figures.CHECKPOINT_MEGABYTES, "%.1f")));
    line(text, "CPU without compiling: job, Redis and Kafka, us a span; then each, and compiling");
  }

  private static String of(List<Result> group, String figure, String format) {
    return number(Figures.median(Result.figures(group, figure)), format);
  }

  private static String number(double value, String format) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "-";
  }

  private void ratios(StringBuilder text) {
    List<String> lines = new ArrayList<>();
    for (String load : HEADLINES) {
      for (String contender : List.of("spanfold", "spanfold-heap", "baseline")) {
        for (String other : List.of("plain-rocksdb", "plain-heap", "ceiling", "baseline")) {
          ratio(lines, load, contender, other);
        }
      }
    }
    growthRatios(lines);
    if (!lines.isEmpty()) {
      line(text, "%nratios of medians; CPU is without compiling");
      lines.forEach(each -> text.append(each).append(System.lineSeparator()));
    }
  }

  private void ratio(List<String> lines, String load, String contender, String other) {
    double speed = ratio(load, contender, other, Figures.SPANS_PER_SECOND);
    if (Double.isFinite(speed) && !contender.equals(other)) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-14s %-14s %-20s spans/s %6.2f  CPU %6.2f  checkpoint bytes %s",
              load,
              contender,
              "to " + other,
              speed,
              ratio(load, contender, other, Figures.CPU),
              number(ratio(load, contender, other, Figures.CHECKPOINT_MEGABYTES), "%6.2f")));
    }
  }

  private double ratio(String load, String contender, String other, String figure) {
    return median(load, contender, figure) / median(load, other, figure);
  }

  /** The time per span at the largest value of a series, relative to the smallest. */
  private void growthRatios(List<String> lines) {
    for (String series : List.of("open", "size", "depth")) {
      List<String> loads =
          results.stream()
              .map(Result::load)
              .filter(load -> load.startsWith(series + " "))
              .distinct()
              .toList();
      if (loads.size() > 1) {
        String first = loads.get(0);
        String last = loads.get(loads.size() - 1);
        double time =
            median(first, Contender.SPANFOLD.label(), Figures.SPANS_PER_SECOND)
                / median(last, Contender.SPANFOLD.label(), Figures.SPANS_PER_SECOND);
        double cpu =
            median(last, Contender.SPANFOLD.label(), Figures.JOB_CPU)
                / median(first, Contender.SPANFOLD.label(), Figures.JOB_CPU);
        lines.add(
            String.format(
                Locale.ROOT,
                "%-14s %-36s %6.2f  (job CPU %.2f)",
                "growth",
                "time per span, " + last + " to " + first,
                time,
                cpu));
      }
    }
  }

  private void redis(StringBuilder text) {
    List<List<Result>> groups =
        groups().values().stream()
            .filter(g -> Double.isFinite(g.get(0).figure(Figures.COMMANDS_SENT)))
            .toList();
    if (!groups.isEmpty()) {
      line(
          text,
          "%n%-14s %-14s %10s %12s %12s %12s %12s %12s",
          "Redis, a span",
          "job",
          "CPU us",
          "sent",
          "with inner",
          "script calls",
          "busiest CPU",
          "busiest cmds");
      for (List<Result> group : groups) {
        line(
            text,
            "%-14s %-14s %10s %12s %12s %12s %11s%% %11s%%",
            group.get(0).load(),
            group.get(0).contender(),
            of(group, Figures.REDIS_CPU, "%.1f"),
            of(group, Figures.COMMANDS_SENT, "%.3f"),
            of(group, Figures.COMMANDS_ALL, "%.3f"),
            of(group, Figures.SCRIPT_CALLS, "%.3f"),
            number(100 * Figures.median(Result.figures(group, Figures.BUSIEST_NODE)), "%.0f"),
            number(
                100 * Figures.median(Result.figures(group, Figures.BUSIEST_NODE_COMMANDS)),
                "%.0f"));
      }
    }
    if (!buffered.isEmpty()) {
      line(
          text,
          "%n%-14s %-14s %10s %12s %12s",
          "buffered",
          "job",
          "bytes/span",
          "fullest node",
          "busiest cmds");
      for (Result result : buffered) {
        line(
            text,
            "%-14s %-14s %10.0f %11.0f%% %11.0f%%",
            result.load(),
            result.contender(),
            result.figure(Figures.BYTES_BUFFERED),
            100 * result.figure(Figures.BUSIEST_NODE_MEMORY),
            100 * result.figure(Figures.BUSIEST_NODE_COMMANDS));
      }
    }
  }

  /** The CPU of each contender under the first headlines, by kind of thread. */
  private void threads(StringBuilder text) {
    for (List<Result> group : groups().values()) {
      Result any = group.get(0);
      if (HEADLINES.subList(0, 2).contains(any.load())) {
        line(
            text,
            "%nCPU of %s under %s by kind of thread, us per span",
            any.contender(),
            any.load());
        Map<String, List<Double>> kinds = new TreeMap<>();
        group.forEach(
            r ->
                r.threadMicros()
                    .forEach(
                        (kind, micros) ->
                            kinds.computeIfAbsent(kind, k -> new ArrayList<>()).add(micros)));
        kinds.entrySet().stream()
            .map(e -> Map.entry(e.getKey(), median(e.getValue())))
            .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
            .limit(MAX_THREAD_KINDS)
            .filter(e -> e.getValue() >= 0.05)
            .forEach(e -> line(text, "%8.2f  %s", e.getValue(), e.getKey()));
      }
    }
  }

  private static double median(List<Double> values) {
    return Figures.median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private void liveTable(StringBuilder text) {
    live.forEach(
        (name, figures) -> {
          line(text, "%nlive at 10,000 spans/s, %s", name);
          new TreeMap<>(figures)
              .forEach((figure, value) -> line(text, "%,14.2f  %s", value, figure));
        });
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
  }

  /** Writes all figures of all runs, the medians and a description of the machine. */
  void write(Path file, long seconds) throws IOException {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("at", Instant.now().toString());
    all.put("seconds", seconds);
    all.put("machine", machine());
    all.put("medians", medians());
    all.put("buffered", bufferedFigures());
    all.put("live", live);
    all.put("failures", failures);
    all.put("runs", results);
    if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    // JSON has no NaN.
    ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    Files.writeString(file, json.writeValueAsString(finite(all)) + "\n");
  }

  private Map<String, Map<String, Double>> medians() {
    Map<String, Map<String, Double>> medians = new LinkedHashMap<>();
    groups()
        .forEach(
            (name, group) -> {
              Map<String, Double> figures = new LinkedHashMap<>();
              for (String figure : group.get(0).figures().keySet()) {
                figures.put(figure, Figures.median(Result.figures(group, figure)));
              }
              medians.put(name, figures);
            });
    return medians;
  }

  private Map<String, Map<String, Double>> bufferedFigures() {
    Map<String, Map<String, Double>> figures = new LinkedHashMap<>();
    buffered.forEach(
        result -> figures.put(result.load() + "/" + result.contender(), result.figures()));
    return figures;
  }

  private static Map<String, Object> machine() {
    return Map.of(
        "processors", Runtime.getRuntime().availableProcessors(),
        "os", System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        "java", System.getProperty("java.vm.name") + " " + System.getProperty("java.version"));
  }

  private static Object finite(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> copy = new LinkedHashMap<>();
      map.forEach((name, each) -> copy.put(name.toString(), finite(each)));
      return copy;
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Report::finite).toList();
    }
    if (value instanceof Result result) {
      Map<String, Object> copy = new LinkedHashMap<>();
      copy.put("load", result.load());
      copy.put("job", result.contender());
      copy.put("figures", finite(result.figures()));
      copy.put("threadMicros", finite(result.threadMicros()));
      return copy;
    }
    if (value instanceof Double number) {
      return Double.isFinite(number) ? Math.round(number * 1e4) / 1e4 : "not measured";
    }
    return value;
  }
}
