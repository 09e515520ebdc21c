package io.spanfold.job.time;

import static io.spanfold.job.time.AdvancingWatermarks.GRACE_MILLIS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.LongSupplier;
import org.apache.flink.util.clock.Clock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AdvancingWatermarksTest {

  private final WatermarkLog log = new WatermarkLog();

  /** The time of Flink's input activity clock. */
  private long activity = 77;

  private long wall = 1_000_000;

  private final ReadingStatus reading = new ReadingStatus(() -> wall * 1_000_000);

  private final AdvancingWatermarks<String> clock =
      new AdvancingWatermarks<>(
          new ClockOf(() -> activity), new ClockOf(() -> wall), reading, record -> 0, record -> 41);

  @BeforeEach
  void nothingElseToRead() {
    reading.assigned(0, 41);
    reading.answered(0, 42);
  }

  @Test
  void followsTheLatestRecord() {
    clock.onEvent("a", 5_000, log);
    clock.onEvent("b", 3_000, log);
    clock.onPeriodicEmit(log);

    assertThat(log.watermarks).containsExactly(4_999L);
  }

  @Test
  void advancesAfterTheGraceAndNeverCatchesUpWithIt() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    passes(GRACE_MILLIS);
    assertThat(log.last()).isEqualTo(4_999);

    activity += 250;
    clock.onPeriodicEmit(log);
    assertThat(log.last()).isEqualTo(4_999 + 250);
  }

  @Test
  void stopsWhileTheActivityClockStops() {
    clock.onEvent("a", 5_000, log);
    for (int i = 0; i < 1_000; i++) {
      clock.onPeriodicEmit(log);
    }

    assertThat(log.watermarks).containsOnly(4_999L);
  }

  @Test
  void waitsForTheGraceAfterEachRecord() {
    clock.onEvent("a", 5_000, log);
    activity += GRACE_MILLIS - 1;
    clock.onEvent("b", 4_000, log);
    passes(GRACE_MILLIS);

    assertThat(log.last()).isEqualTo(4_999);
  }

  /** Its records may be older than those that the others have read. */
  @Test
  void isNotIdleAfterTheGraceIfThereIsAnUnreadBacklog() {
    reading.answered(0, 1_000);
    passes(AdvancingWatermarks.CERTAIN_MILLIS - 1);
    assertThat(log.idle).isZero();

    activity++;
    clock.onPeriodicEmit(log);
    assertThat(log.idle).isEqualTo(1);
  }

  @Test
  void isIdleAfterTheGraceIfThereWasNeverARecord() {
    passes(GRACE_MILLIS - 1);
    assertThat(log.idle).isZero();

    activity++;
    clock.onPeriodicEmit(log);
    assertThat(log.idle).isEqualTo(1);
    assertThat(log.watermarks).isEmpty();
  }

  @Test
  void advancesForAsLongAsNoRecordArrives() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    passes(100 * GRACE_MILLIS);

    assertThat(log.idle).isZero();
    assertThat(log.last()).isEqualTo(4_999 + 99 * GRACE_MILLIS);
  }

  @Test
  void stopsWhileThePartitionsLeaderIsUnavailable() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    wall += 10_000; // Without an answer.
    passes(10_000);
    assertThat(log.last()).isEqualTo(4_999);

    // Delayed records get the grace and as much time again to arrive.
    reading.answered(0, 42);
    passes(GRACE_MILLIS + 10_000);
    assertThat(log.last()).isEqualTo(4_999);
    activity += 200;
    clock.onPeriodicEmit(log);
    assertThat(log.last()).isEqualTo(5_199);
  }

  /** As in a call to an unavailable broker: it is unknown whether anything could be read. */
  @Test
  void stopsWhileTheTaskStalls() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    activity += 10_000;
    clock.onPeriodicEmit(log);
    assertThat(log.last()).isEqualTo(4_999);

    passes(GRACE_MILLIS + 10_000);
    assertThat(log.last()).isEqualTo(4_999);
    passes(200);
    assertThat(log.last()).isEqualTo(5_199);
  }

  @Test
  void stopsWhileTheGateIsClosed() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    reading.gate(() -> ReadingStatus.Gate.CLOSED);
    passes(10_000);

    assertThat(log.last()).isEqualTo(4_999);
  }

  /** Otherwise it would hold back the others if the task is blocked most of the time. */
  @Test
  void isIdleAfterAMinuteWithNothingToReadEvenIfBlocked() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    wall += AdvancingWatermarks.SILENCE_MILLIS;
    reading.answered(0, 43); // A transaction's marker.
    clock.onPeriodicEmit(log);
    assertThat(log.idle).isEqualTo(1);

    clock.onEvent("b", 70_000, log);
    clock.onPeriodicEmit(log);
    assertThat(log.last()).isEqualTo(69_999);
    assertThat(log.idle).isEqualTo(1);
  }

  @Test
  void isNotIdleWhileThereIsSomethingToRead() {
    clock.onEvent("a", 5_000, log);
    clock.onPeriodicEmit(log);
    wall += 2 * AdvancingWatermarks.SILENCE_MILLIS;
    reading.answered(0, 50);
    clock.onPeriodicEmit(log);

    assertThat(log.idle).isZero();
  }

  /** Advances the clock without records, with as many periodic calls as in Flink. */
  private void passes(long millis) {
    for (long left = millis; left > 0; left -= 200) {
      activity += Math.min(200, left);
      clock.onPeriodicEmit(log);
    }
  }

  /** A manual clock. */
  private static final class ClockOf extends Clock {
    private final LongSupplier millis;

    ClockOf(LongSupplier millis) {
      this.millis = millis;
    }

    @Override
    public long absoluteTimeMillis() {
      return millis.getAsLong();
    }

    @Override
    public long relativeTimeMillis() {
      return millis.getAsLong();
    }

    @Override
    public long relativeTimeNanos() {
      return millis.getAsLong() * 1_000_000;
    }
  }
}
