package io.spanfold.local.chaos;

import io.spanfold.local.chaos.load.DeliveryReport;
import io.spanfold.local.chaos.load.DeliveryReport.Finding;
import io.spanfold.local.chaos.load.DeliveryReport.Flaw;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The table of a chaos run: the consequences of each fault. */
final class ChaosReport {

  /** A span is affected by faults until this long after it was sent. */
  private static final long BUFFERED_MILLIS = 30_000;

  private static final String HEAD =
      """
      | fault | times | longest gap in output (s) | explained (s) | lost | doubled | in a wrong segment | unexplained |
      |---|---|---|---|---|---|---|---|
      """;

  private ChaosReport() {}

  /**
   * A fault that was injected.
   *
   * @param beginMillis epoch ms
   * @param recoveredMillis when output flowed and checkpoints completed again, in epoch ms
   * @param longestGapMillis the longest time without output in between
   */
  record FaultRun(Fault fault, long beginMillis, long recoveredMillis, long longestGapMillis) {}

  /**
   * Returns the table as Markdown: a row per fault, one for the time between faults, and totals.
   */
  static String table(List<FaultRun> runs, long longestGapBetweenMillis, DeliveryReport report) {
    Map<Fault, List<FaultRun>> byFault = new EnumMap<>(Fault.class);
    runs.forEach(run -> byFault.computeIfAbsent(run.fault(), any -> new ArrayList<>()).add(run));
    Map<Fault, List<Finding>> found = new EnumMap<>(Fault.class);
    List<Finding> between = new ArrayList<>();
    for (Finding finding : report.findings()) {
      faultOf(finding, runs)
          .ifPresentOrElse(
              run -> found.computeIfAbsent(run.fault(), any -> new ArrayList<>()).add(finding),
              () -> between.add(finding));
    }
    StringBuilder table = new StringBuilder(HEAD);
    byFault.forEach(
        (fault, of) -> {
          long gap = of.stream().mapToLong(FaultRun::longestGapMillis).max().orElse(0);
          row(
              table,
              fault.option(),
              of.size(),
              gap,
              seconds(fault.longestGap()),
              found.getOrDefault(fault, List.of()));
        });
    row(table, "(none)", 0, longestGapBetweenMillis, seconds(Fault.LONGEST_GAP_WITHOUT), between);
    long gap = runs.stream().mapToLong(FaultRun::longestGapMillis).max().orElse(0);
    long longest = Math.max(gap, longestGapBetweenMillis);
    row(table, "**all**", runs.size(), longest, "", report.findings());
    return table.toString();
  }

  /** Describes the times without output that are longer than the fault explains. */
  static List<String> unexplainedGaps(List<FaultRun> runs, long longestGapBetweenMillis) {
    List<String> gaps = new ArrayList<>();
    for (FaultRun run : runs) {
      addUnexplained(gaps, run.fault().option(), run.longestGapMillis(), run.fault().longestGap());
    }
    addUnexplained(gaps, "no fault", longestGapBetweenMillis, Fault.LONGEST_GAP_WITHOUT);
    return gaps;
  }

  private static void addUnexplained(
      List<String> to, String cause, long gapMillis, Duration explained) {
    if (gapMillis > explained.toMillis()) {
      to.add(
          String.format(
              Locale.ROOT,
              "no output for %.1f s: %s explains %s s",
              gapMillis / 1_000.0,
              cause,
              seconds(explained)));
    }
  }

  private static String seconds(Duration duration) {
    return String.valueOf(duration.toSeconds());
  }

  /** Returns the last fault during which the span was between input and output. */
  static Optional<FaultRun> faultOf(Finding finding, List<FaultRun> runs) {
    long until = Math.min(finding.foundMillis(), finding.sentMillis() + BUFFERED_MILLIS);
    return runs.stream()
        .filter(run -> run.beginMillis() <= until && run.recoveredMillis() >= finding.sentMillis())
        .reduce((earlier, later) -> later);
  }

  private static void row(
      StringBuilder table,
      String name,
      int times,
      long gapMillis,
      String explained,
      List<Finding> findings) {
    table.append(
        String.format(
            Locale.ROOT,
            "| %s | %s | %.1f | %s | %d | %d | %d | %d |%n",
            name,
            times == 0 ? "" : String.valueOf(times),
            gapMillis / 1_000.0,
            explained,
            count(findings, Flaw.LOST),
            count(findings, Flaw.DOUBLED),
            count(findings, Flaw.MISPLACED) + count(findings, Flaw.ALTERED),
            count(findings, Flaw.UNKNOWN) + count(findings, Flaw.MISREPORTED)));
  }

  private static long count(List<Finding> findings, Flaw flaw) {
    return findings.stream().filter(f -> f.flaw() == flaw).count();
  }

  /** Returns the totals that the table does not show, on one line. */
  static String summary(DeliveryReport report) {
    return String.format(
        Locale.ROOT,
        "%,d spans in, and %,d records that repeated one; %,d bad records; %d records deleted before"
            + " they were read; lost %d, doubled %d, in a wrong segment %d, altered %d, never sent"
            + " %d; %d other spans in outcomes; %d named early under pressure",
        report.spans(),
        report.copies(),
        report.badRecords(),
        report.deleted(),
        report.count(Flaw.LOST),
        report.count(Flaw.DOUBLED),
        report.count(Flaw.MISPLACED),
        report.count(Flaw.ALTERED),
        report.count(Flaw.UNKNOWN),
        report.outcomeSpans(),
        report.namedUnderPressure());
  }
}
