package io.spanfold.local.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.local.chaos.ChaosReport.FaultRun;
import io.spanfold.local.chaos.load.DeliveryReport;
import io.spanfold.local.chaos.load.DeliveryReport.Finding;
import io.spanfold.local.chaos.load.DeliveryReport.Flaw;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChaosReportTest {

  private static final List<FaultRun> RUNS =
      List.of(
          new FaultRun(Fault.WIPE, 100_000, 110_000, 4_200),
          new FaultRun(Fault.RESCALE, 200_000, 220_000, 9_000),
          new FaultRun(Fault.WIPE, 300_000, 330_000, 6_000));

  @Test
  void theTableHasARowPerFaultWithTimesLongestGapAndLosses() {
    List<Finding> findings =
        List.of(
            finding(Flaw.LOST, 95_000, 900_000),
            finding(Flaw.DOUBLED, 190_000, 215_000),
            finding(Flaw.UNKNOWN, 190_000, 215_000),
            finding(Flaw.MISREPORTED, 190_000, 215_000),
            finding(Flaw.MISPLACED, 310_000, 312_000),
            finding(Flaw.LOST, 310_000, 900_000),
            finding(Flaw.LOST, 400_000, 900_000));

    assertThat(ChaosReport.table(RUNS, 3_100, new DeliveryReport(9, 0, 0, 0, 0, 0, findings)))
        .isEqualTo(
            """
            | fault | times | longest gap in output (s) | explained (s) | lost | doubled | in a wrong segment | unexplained |
            |---|---|---|---|---|---|---|---|
            | wipe | 2 | 6.0 | 20 | 2 | 0 | 1 | 0 |
            | rescale | 1 | 9.0 | 45 | 0 | 1 | 0 | 2 |
            | (none) |  | 3.1 | 20 | 1 | 0 | 0 | 0 |
            | **all** | 3 | 9.0 |  | 3 | 1 | 1 | 2 |
            """);
  }

  @Test
  void aGapIsUnexplainedIfItIsLongerThanItsFaultMayStopTheOutput() {
    long stop = Fault.WIPE.longestGap().toMillis();
    long pause = Fault.LONGEST_GAP_WITHOUT.toMillis();
    FaultRun shorter = new FaultRun(Fault.WIPE, 0, 100_000, stop);
    FaultRun longer = new FaultRun(Fault.WIPE, 0, 100_000, stop + 100);

    assertThat(ChaosReport.unexplainedGaps(List.of(shorter), pause)).isEmpty();
    assertThat(ChaosReport.unexplainedGaps(List.of(shorter, longer), pause))
        .containsExactly("no output for 20.1 s: wipe explains 20 s");
    assertThat(ChaosReport.unexplainedGaps(List.of(), pause + 100))
        .containsExactly("no output for 20.1 s: no fault explains 20 s");
  }

  @Test
  void aFaultThatLastsLongerThanTheJobWaitsDoesNotExplainAGapOfItsWholeLength() {
    assertThat(Fault.OPEN_TRANSACTION.longestGap()).isLessThan(SourceFaults.LONG_WAIT);
    assertThat(Fault.LEADER_AWAY.longestGap()).isLessThan(SourceFaults.LONG_WAIT);
    assertThat(Fault.SLOW_CLOCK.longestGap()).isLessThan(SourceFaults.SLOW_CLOCK);
  }

  @Test
  void aFindingBelongsToTheLastFaultBeforeIt() {
    assertThat(ChaosReport.faultOf(finding(Flaw.DOUBLED, 80_000, 400_000), RUNS))
        .contains(RUNS.get(0));
    assertThat(ChaosReport.faultOf(finding(Flaw.DOUBLED, 215_000, 301_000), RUNS))
        .contains(RUNS.get(1));
    assertThat(ChaosReport.faultOf(finding(Flaw.DOUBLED, 230_000, 299_000), RUNS)).isEmpty();
  }

  private static Finding finding(Flaw flaw, long sent, long found) {
    return new Finding(flaw, "a span", sent, found, "");
  }
}
