package io.spanfold.job.time;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.ClockSnapshot;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of docs/time.md. */
class PartitionClockTest {

  private static final ClockSettings SETTINGS =
      new ClockSettings(Duration.ofMinutes(1), Duration.ofMinutes(5), false);
  private static final ClockSettings BOUNDED =
      new ClockSettings(Duration.ofMinutes(1), Duration.ofMinutes(5), true);

  private static final long NONE = PartitionClock.NONE;

  /** The time of the only record. */
  private static final long RECORD = 1_000_000_000_000L;

  /** The wall clock. */
  private static final long NOW = RECORD + 10_000;

  private static final int TICK = 200;

  /** Which time a partition with a record has after some seconds without another one. */
  @ParameterizedTest(name = "{0} for {1} s, the front {2} s ahead: {3} s on, takes part: {4}")
  @CsvSource(
      textBlock =
          """
          READING,            60,     0,    0,  true
          READING,            60,  3600,    0,  true
          READING,           300,  3600,    0, false
          AT_END,              3,     0,    0,  true
          AT_END,             10,     0,    7,  true
          AT_END,             10,    60,    7,  true
          AT_END,              3,  3600, 3540,  true
          AT_END,             10,  3600, 3547,  true
          AT_END,           3600,     0, 3597,  true
          OPEN_TRANSACTION,  299,  3600,    0,  true
          OPEN_TRANSACTION,  340,     0,  337,  true
          OPEN_TRANSACTION,  330,  3600, 3567,  true
          UNREACHABLE,       299,  3600,    0,  true
          UNREACHABLE,       300,  3600,    0, false
          PAUSED,            299,  3600,    0,  true
          PAUSED,           3600,  3600,    0,  true
          PRESSED,            60,     0,   60,  true
          PRESSED,            60,  3600,   60,  true
          FINISHED,           60,  3600,    0, false
          """)
  void withARecord(PartitionState state, int seconds, int ahead, int advanced, boolean takesPart) {
    PartitionClock clock = withRecord(SETTINGS);
    long before = clock.time();
    passes(clock, state, seconds, RECORD - 1 + ahead * 1_000L);
    assertThat(clock.time() - before).isEqualTo(advanced * 1_000L);
    assertThat(clock.takesPart()).isEqualTo(takesPart);
  }

  @ParameterizedTest(name = "{0} for {1} s: takes part: {2}")
  @CsvSource(
      textBlock =
          """
          READING,          299,  true
          READING,          300, false
          AT_END,             2,  true
          AT_END,             3, false
          OPEN_TRANSACTION, 299,  true
          OPEN_TRANSACTION, 300, false
          UNREACHABLE,      299,  true
          UNREACHABLE,      300, false
          PAUSED,           299,  true
          PAUSED,          3600,  true
          PRESSED,            1, false
          FINISHED,           1, false
          """)
  void withoutARecord(PartitionState state, int seconds, boolean takesPart) {
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.empty(), NOW);
    passes(clock, state, seconds, RECORD);
    assertThat(clock.time()).isEqualTo(NONE);
    assertThat(clock.takesPart()).isEqualTo(takesPart);
  }

  @ParameterizedTest(name = "{0} for {1} s: {2} s on")
  @CsvSource(
      textBlock =
          """
          AT_END,   3600,  0
          READING,    60,  0
          PRESSED,    60, 60
          """)
  void ofABoundedSource(PartitionState state, int seconds, int advanced) {
    PartitionClock clock = withRecord(BOUNDED);
    long before = clock.time();
    passes(clock, state, seconds, NONE);
    assertThat(clock.time() - before).isEqualTo(advanced * 1_000L);
  }

  @ParameterizedTest(name = "after {0} s of {1}: stands for {2} s")
  @CsvSource(
      textBlock =
          """
          0,   UNREACHABLE,       3
          10,  UNREACHABLE,      13
          10,  OPEN_TRANSACTION, 13
          10,  PAUSED,            3
          25,  UNREACHABLE,      28
          60,  READING,           3
          60,  PRESSED,           3
          """)
  void standsLongerAfterAnOutage(int outage, PartitionState state, int seconds) {
    PartitionClock clock = withRecord(SETTINGS);
    passes(clock, state, outage, NONE);
    long before = clock.time();
    passes(clock, PartitionState.AT_END, seconds, NONE);
    assertThat(clock.time()).isEqualTo(before);
    passes(clock, PartitionState.AT_END, 1, NONE);
    assertThat(clock.time()).isEqualTo(before + 1_000);
  }

  /** Otherwise a partition with few records would delay all others from then on. */
  @ParameterizedTest(name = "after {0} s of {1}: {2} s on")
  @CsvSource(
      textBlock =
          """
          20,  UNREACHABLE,       47
          200, UNREACHABLE,      227
          20,  OPEN_TRANSACTION,  47
          20,  PAUSED,            47
          20,  READING,           47
          """)
  void atItsEndForHalfAMinuteItCatchesUpWithAnOutage(
      int outage, PartitionState state, int advanced) {
    PartitionClock clock = withRecord(SETTINGS);
    long before = clock.time();
    passes(clock, state, outage, NONE);
    passes(clock, PartitionState.AT_END, 30, NONE);
    assertThat(clock.time()).isEqualTo(before + advanced * 1_000L);
    passes(clock, PartitionState.AT_END, 10, NONE);
    assertThat(clock.time()).isEqualTo(before + (advanced + 10) * 1_000L);
  }

  /** What the front has raised it by is not caught up again. */
  @Test
  void doesNotCatchUpTwice() {
    PartitionClock clock = withRecord(SETTINGS);
    long before = clock.time();
    passes(clock, PartitionState.UNREACHABLE, 200, NONE);
    passes(clock, PartitionState.AT_END, 1, before + 200_000);
    assertThat(clock.time()).isEqualTo(before + 140_000);
    passes(clock, PartitionState.AT_END, 29, before + 200_000);
    assertThat(clock.time()).isEqualTo(before + 227_000);
  }

  @Test
  void followsTheLatestRecordAndNeverGoesBack() {
    PartitionClock clock = withRecord(SETTINGS);
    clock.read(RECORD + 5_000);
    clock.read(RECORD - 5_000);
    clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    assertThat(clock.time()).isEqualTo(RECORD + 5_000 - 1);
    clock.read(RECORD);
    clock.advance(PartitionState.AT_END, TICK, TICK, NONE, NOW);
    assertThat(clock.time()).isEqualTo(RECORD + 5_000 - 1);
  }

  /** A producer an hour behind that sends twice a second holds the others back by the bound. */
  @Test
  void aSlowProducerHoldsTheOthersBackByMaxLagForAsLongAsItSends() {
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.empty(), NOW);
    for (int i = 0; i < 1_000; i++) {
      long front = NOW + i * 500L;
      clock.read(clock.timeOf(front - 3_600_000, front, front));
      clock.advance(PartitionState.AT_END, TICK, TICK, front, front);
      clock.advance(PartitionState.AT_END, 300, 300, front, front);
      assertThat(clock.takesPart()).isTrue();
      assertThat(clock.time()).isGreaterThanOrEqualTo(front - 60_000);
      assertThat(clock.isLagging(front)).isTrue();
    }
  }

  @Test
  void standsWhileTheTaskIsBlockedByItsOutput() {
    PartitionClock clock = withRecord(SETTINGS);
    for (int i = 0; i < 1_000; i++) {
      clock.advance(PartitionState.AT_END, 0, TICK, NONE, NOW);
    }
    assertThat(clock.time()).isEqualTo(RECORD - 1);
  }

  /** As in a call to a broker that is away: it is unknown whether anything could be read. */
  @Test
  void aTaskThatStallsHasNotLooked() {
    PartitionClock clock = withRecord(SETTINGS);
    clock.advance(PartitionState.AT_END, 10_000, 10_000, NONE, NOW);
    passes(clock, PartitionState.AT_END, 13, NONE);
    assertThat(clock.time()).isEqualTo(RECORD - 1);
    passes(clock, PartitionState.AT_END, 1, NONE);
    assertThat(clock.time()).isEqualTo(RECORD - 1 + 1_000);
  }

  @Test
  void takesPartAgainWhenItIsRead() {
    PartitionClock clock = withRecord(SETTINGS);
    passes(clock, PartitionState.UNREACHABLE, 400, NONE);
    assertThat(clock.takesPart()).isFalse();
    clock.read(RECORD + 1);
    clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    assertThat(clock.takesPart()).isTrue();
    assertThat(clock.time()).isEqualTo(RECORD);
  }

  /** Nothing of it is known, and under pressure it must not stop the clock that frees memory. */
  @Test
  void aPartitionThatWasGivenUpTakesNoPartUnderPressureEither() {
    PartitionClock clock = withRecord(SETTINGS);
    passes(clock, PartitionState.UNREACHABLE, 400, NONE);
    passes(clock, PartitionState.PRESSED, 1, NONE);
    assertThat(clock.takesPart()).isFalse();
  }

  /** It is known again what it holds: a backlog, for which the others wait. */
  @Test
  void aPartitionThatWasGivenUpTakesPartAgainWhenItsLeaderAnswers() {
    PartitionClock clock = withRecord(SETTINGS);
    passes(clock, PartitionState.UNREACHABLE, 400, NONE);
    passes(clock, PartitionState.READING, 1, NONE);
    assertThat(clock.takesPart()).isTrue();
  }

  @Test
  void aPartitionThatWasGivenUpIsGivenUpAfterARestore() {
    PartitionClock clock = withRecord(SETTINGS);
    passes(clock, PartitionState.UNREACHABLE, 400, NONE);
    PartitionClock restored = new PartitionClock(SETTINGS, clock.snapshot(NOW), NOW);
    assertThat(restored.takesPart()).isFalse();
  }

  /** Else one producer whose clock is fast would end the deadlines of all others. */
  @Test
  void isNeverAheadOfTheWallClock() {
    PartitionClock clock = withRecord(SETTINGS);
    clock.read(clock.timeOf(NOW + 3_600_000, NONE, NOW));
    clock.advance(PartitionState.AT_END, TICK, TICK, NONE, NOW);
    assertThat(clock.time()).isEqualTo(NOW);
    passes(clock, PartitionState.AT_END, 3, NONE);
    assertThat(clock.time()).isEqualTo(NOW);
  }

  @Test
  void aRestoredClockContinuesAndCatchesUpWithDowntimeOnlyWithoutABacklog() {
    ClockSnapshot stopped = new ClockSnapshot(RECORD, RECORD, NOW - 3_600_000, 0);
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.of(stopped), NOW);
    assertThat(clock.takesPart()).isTrue();
    assertThat(clock.time()).isEqualTo(RECORD);
    passes(clock, PartitionState.AT_END, 29, NONE);
    assertThat(clock.time()).isEqualTo(RECORD + 26_000);
    passes(clock, PartitionState.AT_END, 1, NONE);
    assertThat(clock.time()).isEqualTo(RECORD + 27_000 + 3_600_000);

    PartitionClock backlogged = new PartitionClock(SETTINGS, Optional.of(stopped), NOW);
    backlogged.read(RECORD + 10);
    backlogged.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    passes(backlogged, PartitionState.AT_END, 40, NONE);
    assertThat(backlogged.time()).isEqualTo(RECORD + 9 + 37_000);
  }

  /** A barrier comes between two watermarks of a source that reads a backlog fast. */
  @Test
  void aRestoredClockCatchesUpWithWhatWasReadSinceTheLastWatermark() {
    PartitionClock clock = withRecord(SETTINGS);
    clock.read(RECORD + 9_000);
    PartitionClock restored = new PartitionClock(SETTINGS, clock.snapshot(NOW), NOW);
    assertThat(restored.time()).isEqualTo(RECORD - 1);
    restored.advance(PartitionState.AT_END, TICK, TICK, NONE, NOW);
    assertThat(restored.time()).isEqualTo(RECORD + 9_000 - 1);
  }

  @Test
  void aSnapshotKeepsWhatTheClockHasYetToCatchUp() {
    ClockSnapshot stopped = new ClockSnapshot(RECORD, RECORD, NOW - 3_600_000, 0);
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.of(stopped), NOW);
    assertThat(clock.snapshot(NOW + 5))
        .contains(new ClockSnapshot(RECORD, RECORD, NOW + 5 - 3_600_000, 0));
    assertThat(new PartitionClock(SETTINGS, Optional.empty(), NOW).snapshot(NOW)).isEmpty();
  }

  /** Times are seconds from the partition's latest record, which is 10 s before now. */
  @ParameterizedTest(name = "{0} s: {1} s")
  @CsvSource(
      textBlock =
          """
              0,    0
             10,   10
            -30,  -30
            -60,  -60
          -9999, -9999
             70,   70
             71,   70
           9999,   70
          """)
  void boundsTheTimeOfARecord(long timestamp, long expected) {
    PartitionClock clock = withRecord(SETTINGS);
    assertThat(clock.timeOf(RECORD + timestamp * 1_000, NONE, NOW))
        .isEqualTo(RECORD + expected * 1_000);
  }

  @ParameterizedTest
  @CsvSource({"-9223372036854775808", "-1", "0", "1700000000"})
  void aRecordWithoutATimeHasThatOfItsPartition(long none) {
    assertThat(withRecord(SETTINGS).timeOf(none, NONE, NOW)).isEqualTo(RECORD);
    assertThat(new PartitionClock(SETTINGS, Optional.empty(), NOW).timeOf(none, NONE, NOW))
        .isEqualTo(NOW);
  }

  /** It may be the first of an old backlog, whose parts its clock would end. */
  @Test
  void aFirstRecordWithoutATimeStartsNoClock() {
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.empty(), NOW);
    clock.read(clock.timeOf(-1, NONE, NOW));
    clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    assertThat(clock.time()).isEqualTo(NONE);
    assertThat(clock.timeOf(-1, RECORD, NOW)).isEqualTo(RECORD);
    clock.read(clock.timeOf(RECORD, NONE, NOW));
    clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    assertThat(clock.time()).isEqualTo(RECORD - 1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPartitionWithoutTimesHasTheWallClockOnceItHasNoBacklog(boolean isQuiet) {
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.empty(), NOW);
    clock.read(clock.timeOf(-1, NONE, NOW));
    passes(clock, PartitionState.READING, 60, NONE);
    for (int millis = 0; millis < 30_000; millis += TICK) {
      assertThat(clock.time()).isEqualTo(NONE);
      if (!isQuiet) {
        clock.read(clock.timeOf(-1, NONE, NOW));
      }
      clock.advance(PartitionState.AT_END, TICK, TICK, NONE, NOW);
    }
    assertThat(clock.time()).isEqualTo(NOW);
  }

  /** Its spans are buffered, and nothing else would make them due. */
  @Test
  void aPartitionWithoutTimesGetsAClockAfterARestoreAndUnderPressure() {
    PartitionClock clock = withoutTimes();
    PartitionClock restored = new PartitionClock(SETTINGS, clock.snapshot(NOW), NOW);
    passes(restored, PartitionState.AT_END, 30, NONE);
    assertThat(restored.time()).isEqualTo(NOW);
    clock.advance(PartitionState.PRESSED, TICK, TICK, RECORD, NOW);
    assertThat(clock.time()).isEqualTo(RECORD);
    assertThat(clock.takesPart()).isTrue();
  }

  @Test
  void aBacklogWithoutTimesHoldsTheOthersForMaxSilence() {
    PartitionClock clock = withoutTimes();
    for (int millis = 0; millis < 300_000; millis += TICK) {
      assertThat(clock.takesPart()).isTrue();
      clock.read(clock.timeOf(-1, NONE, NOW));
      clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    }
    assertThat(clock.takesPart()).isFalse();
    clock.read(clock.timeOf(RECORD, NONE, NOW));
    clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    assertThat(clock.takesPart()).isTrue();
  }

  private static PartitionClock withoutTimes() {
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.empty(), NOW);
    clock.read(clock.timeOf(-1, NONE, NOW));
    clock.advance(PartitionState.AT_END, TICK, TICK, NONE, NOW);
    return clock;
  }

  @Test
  void theFirstRecordOfAPartitionMayBeAsOldAsItSays() {
    PartitionClock clock = new PartitionClock(SETTINGS, Optional.empty(), NOW);
    assertThat(clock.timeOf(RECORD - 86_400_000, NONE, NOW)).isEqualTo(RECORD - 86_400_000);
  }

  /** A backlog is older than a clock that has advanced while it could not be read. */
  @Test
  void aRecordWithoutATimeHasThatOfAClockThatHasAdvancedOnlyAtTheEnd() {
    PartitionClock clock = withRecord(SETTINGS);
    passes(clock, PartitionState.PRESSED, 600, NONE);
    assertThat(clock.timeOf(0, NONE, NOW)).isEqualTo(RECORD);
    passes(clock, PartitionState.AT_END, 1, NONE);
    assertThat(clock.timeOf(0, NONE, NOW)).isEqualTo(clock.time());
  }

  private static PartitionClock withRecord(ClockSettings settings) {
    PartitionClock clock = new PartitionClock(settings, Optional.empty(), NOW);
    clock.read(RECORD);
    clock.advance(PartitionState.READING, TICK, TICK, NONE, NOW);
    return clock;
  }

  private static void passes(PartitionClock clock, PartitionState state, int seconds, long front) {
    for (int millis = 0; millis < seconds * 1_000; millis += TICK) {
      clock.advance(state, TICK, TICK, front, NOW);
    }
  }
}
