package io.spanfold.local;

import io.spanfold.local.load.Verdict;
import io.spanfold.local.load.Verdict.Finding;
import io.spanfold.local.load.Verdict.Flaw;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The table of a chaos run: what each kind of fault cost. */
final class ChaosReport {

  /**
   * What went wrong this long after it was sent at the latest is told with the faults till then.
   */
  private static final long BUFFERED_MILLIS = 30_000;

  private static final String HEAD =
      """
      | fault | times | longest gap in output (s) | lost | doubled | in a wrong segment |
      |---|---|---|---|---|---|
      """;

  private ChaosReport() {}

  /**
   * Returns it as Markdown, a row for each kind of fault, one for the time between, and the sum.
   */
  static String table(List<FaultRun> runs, long longestGapBetweenMillis, Verdict verdict) {
    Map<FaultKind, List<FaultRun>> byKind = new EnumMap<>(FaultKind.class);
    runs.forEach(run -> byKind.computeIfAbsent(run.kind(), kind -> new ArrayList<>()).add(run));
    Map<FaultKind, List<Finding>> found = new EnumMap<>(FaultKind.class);
    List<Finding> between = new ArrayList<>();
    for (Finding finding : verdict.findings()) {
      faultOf(finding, runs)
          .ifPresentOrElse(
              run -> found.computeIfAbsent(run.kind(), kind -> new ArrayList<>()).add(finding),
              () -> between.add(finding));
    }
    StringBuilder table = new StringBuilder(HEAD);
    byKind.forEach(
        (kind, of) -> {
          long gap = of.stream().mapToLong(FaultRun::longestGapMillis).max().orElse(0);
          row(table, kind.option(), of.size(), gap, found.getOrDefault(kind, List.of()));
        });
    row(table, "(none)", 0, longestGapBetweenMillis, between);
    long gap = runs.stream().mapToLong(FaultRun::longestGapMillis).max().orElse(0);
    row(table, "**all**", runs.size(), Math.max(gap, longestGapBetweenMillis), verdict.findings());
    return table.toString();
  }

  /** Returns the last fault from whose beginning to recovery the span was on its way. */
  static Optional<FaultRun> faultOf(Finding finding, List<FaultRun> runs) {
    long until = Math.min(finding.foundMillis(), finding.sentMillis() + BUFFERED_MILLIS);
    return runs.stream()
        .filter(run -> run.beganMillis() <= until && run.recoveredMillis() >= finding.sentMillis())
        .reduce((earlier, later) -> later);
  }

  private static void row(
      StringBuilder table, String name, int times, long gapMillis, List<Finding> findings) {
    table.append(
        String.format(
            Locale.ROOT,
            "| %s | %s | %.1f | %d | %d | %d |%n",
            name,
            times == 0 ? "" : String.valueOf(times),
            gapMillis / 1_000.0,
            count(findings, Flaw.LOST),
            count(findings, Flaw.DOUBLED) + count(findings, Flaw.UNKNOWN),
            count(findings, Flaw.MISPLACED) + count(findings, Flaw.ALTERED)));
  }

  private static long count(List<Finding> findings, Flaw flaw) {
    return findings.stream().filter(f -> f.flaw() == flaw).count();
  }

  /** Returns what the table cannot show, in a line or two. */
  static String summary(Verdict verdict) {
    return String.format(
        Locale.ROOT,
        "%,d spans in, and %,d records that repeated one; %,d bad records; lost %d, doubled %d, in a"
            + " wrong segment %d, altered %d, never sent %d; %d spans in outcomes; %d named early"
            + " under pressure",
        verdict.spans(),
        verdict.copies(),
        verdict.badRecords(),
        verdict.count(Flaw.LOST),
        verdict.count(Flaw.DOUBLED),
        verdict.count(Flaw.MISPLACED),
        verdict.count(Flaw.ALTERED),
        verdict.count(Flaw.UNKNOWN),
        verdict.outcomeSpans(),
        verdict.namedUnderPressure());
  }
}
