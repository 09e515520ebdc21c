package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.local.chaos.ChaosReport.FaultRun;
import io.spanfold.local.chaos.load.DeliveryReport;
import io.spanfold.local.chaos.load.DeliveryReport.Finding;
import io.spanfold.local.chaos.load.DeliveryVerifier;
import io.spanfold.local.chaos.load.TraceGenerator;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.ProgressLine;
import io.spanfold.local.servers.ProcessServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/** One chaos run, from the first span to the report. For use by one thread. */
final class ChaosRun implements AutoCloseable {

  private static final Duration RECOVERY_TIMEOUT = Duration.ofMinutes(4);

  /** Nothing more is expected, even of a backlog, if nothing has come for this long. */
  private static final long END_MILLIS = Duration.ofMinutes(2).toMillis();

  private static final int FINDINGS_SHOWN = 10;

  private final ProcessServers servers;
  private final RestartableJob job;
  private final FaultSchedule schedule;
  private final Random random;
  private final ProgressLine progress;
  private final FaultInjector injector;
  private final DeliveryVerifier verifier = new DeliveryVerifier();
  private final OutputReader output;
  private final LoadSender load;
  private final List<FaultRun> faults = new ArrayList<>();
  private final long begin = System.currentTimeMillis();

  /**
   * Connects to the servers; nothing is sent yet.
   *
   * @param rate spans per second
   */
  ChaosRun(
      ProcessServers servers,
      RestartableJob job,
      FaultSchedule schedule,
      int rate,
      Random random,
      ProgressLine progress) {
    this.servers = servers;
    this.job = job;
    this.schedule = schedule;
    this.random = random;
    this.progress = progress;
    this.output = new OutputReader(servers.bootstrapServers(), verifier);
    this.load =
        new LoadSender(
            new TraceGenerator(random.nextLong(), Chaos.TIMES, Chaos.TOO_LARGE_BYTES),
            verifier,
            servers.bootstrapServers(),
            Chaos.LOAD_PARTITIONS,
            new Random(random.nextLong()),
            rate / Chaos.SPANS_PER_TRACE);
    SourceFaults source =
        new SourceFaults(servers, job, load, verifier, new Random(random.nextLong()));
    this.injector = new FaultInjector(servers, job, source, new Random(random.nextLong()));
  }

  /**
   * Sends the load, injects faults for {@code duration}, and reports.
   *
   * @param findings receives all findings
   * @throws FailedRunException if the output is wrong, or the run could not be completed
   */
  void run(Duration duration, Path findings) throws IOException {
    Optional<String> aborted = Optional.empty();
    long flowing = begin;
    try {
      load.start();
      output.start();
      awaitRecovery(begin);
      flowing = System.currentTimeMillis();
      log("output flows");
      injectFaults(begin + duration.toMillis());
      finish();
    } catch (FailedRunException e) {
      // The report on the output so far explains more than the failure alone.
      aborted = Optional.of(e.getMessage());
      log("cut short: " + e.getMessage());
    }
    report(findings, flowing, aborted);
  }

  private void injectFaults(long until) {
    while (System.currentTimeMillis() < until) {
      Await.millis(3_000 + random.nextInt(5_000));
      load.check();
      if (!schedule.isEmpty()) {
        inject(schedule.next());
      }
    }
  }

  private void inject(Fault fault) {
    long at = System.currentTimeMillis();
    log(fault.option());
    String done = injector.inject(fault);
    long over = System.currentTimeMillis();
    try {
      awaitRecovery(over);
    } finally {
      long recovered = System.currentTimeMillis();
      long gap = output.longestGap(at, recovered);
      faults.add(new FaultRun(fault, at, recovered, gap));
      log(
          String.format(
              Locale.ROOT,
              "%s: over after %.1f s, recovered after %.1f s, longest gap %.1f s, parallelism %d,"
                  + " %s",
              done,
              (over - at) / 1e3,
              (recovered - at) / 1e3,
              gap / 1e3,
              job.parallelism(),
              job.phase()));
    }
  }

  /** Waits until all tasks run, and a checkpoint and output have come since the given time. */
  private void awaitRecovery(long sinceMillis) {
    boolean recovered =
        Await.until(
            () ->
                job.isRunning()
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
    log("the load has ended");
    long missing = verifier.missing();
    while (missing > 0 && output.hasOutputSince(System.currentTimeMillis() - END_MILLIS)) {
      Await.millis(1_000);
      missing = verifier.missing();
    }
    if (missing > 0) {
      log("%d spans and dead letters did not come out before the drain".formatted(missing));
    }
    job.stop(true);
    output.finish();
  }

  private void report(Path findings, long flowing, Optional<String> aborted) throws IOException {
    DeliveryReport report = verifier.report(System.currentTimeMillis());
    RemainingKeys keys = RemainingKeys.in(servers.redis());
    Files.write(findings, report.findings().stream().map(ChaosRun::line).toList());
    progress.print("");
    long gapBetween = longestGapBetweenFaults(flowing);
    List<String> unexplained = ChaosReport.unexplainedGaps(faults, gapBetween);
    progress.print(ChaosReport.table(faults, gapBetween, report));
    progress.print(ChaosReport.summary(report));
    progress.print(keys.toString());
    if (load.delayedMillis() > 0) {
      progress.print("the load was delayed by %.1f s in all".formatted(load.delayedMillis() / 1e3));
    }
    report.findings().stream().limit(FINDINGS_SHOWN).map(ChaosRun::line).forEach(progress::print);
    unexplained.forEach(progress::print);
    if (aborted.isPresent()) {
      throw new FailedRunException("the run was cut short: " + aborted.get());
    }
    if (!report.isGood()) {
      throw new FailedRunException("the output differs from the input; see findings.log");
    }
    if (!unexplained.isEmpty()) {
      throw new FailedRunException("output paused for longer than the faults explain");
    }
    if (!keys.withoutTtl().isEmpty() || keys.ofSegments() > 0) {
      throw new FailedRunException("Redis has keys that the job should have deleted: " + keys);
    }
  }

  private long longestGapBetweenFaults(long flowing) {
    long longest = 0;
    long from = flowing;
    for (FaultRun fault : faults) {
      longest = Math.max(longest, output.longestGapWithin(from, fault.beginMillis()));
      from = fault.recoveredMillis();
    }
    return longest;
  }

  private void log(String text) {
    long seconds = (System.currentTimeMillis() - begin) / 1_000;
    progress.print(
        String.format(
            Locale.ROOT,
            "%02d:%02d %,d spans in, %,d out | %s",
            seconds / 60,
            seconds % 60,
            verifier.sentSpans(),
            verifier.emittedSpans(),
            text));
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

  @Override
  public void close() {
    load.close();
    output.close();
  }
}
