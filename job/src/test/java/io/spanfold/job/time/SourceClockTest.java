package io.spanfold.job.time;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.ClockSnapshot;
import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.gate.RedisGate.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.util.clock.ManualClock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How the partitions of one subtask make its time. */
class SourceClockTest {

  private static final long START = 1_000_000_000_000L;
  private static final String IDLE = "idle";
  private static final String HOLDS = "holds";

  private final ManualClock wall = new ManualClock(START * 1_000_000);
  private final SourceClock clock =
      new SourceClock(
          new ClockSettings(Duration.ofMinutes(1), Duration.ofMinutes(5), false),
          wall,
          wall::relativeTimeNanos);
  private final List<Long> reports = new ArrayList<>();

  private State gate = State.OPEN;
  private long adoption = AdoptionStatus.NEVER;

  /** What the clock says: a watermark, that it is idle, or that it has no time yet. */
  private Object said;

  private final WatermarkOutput output =
      new WatermarkOutput() {
        @Override
        public void emitWatermark(Watermark watermark) {
          said = watermark.getTimestamp();
        }

        @Override
        public void markIdle() {
          said = IDLE;
        }

        @Override
        public void markActive() {
          said = HOLDS;
        }
      };

  @BeforeEach
  void connect() {
    clock.connect(() -> gate, () -> adoption, reports::add, new UnregisteredMetricsGroup());
  }

  @Test
  void isIdleWithoutPartitionsOnceAllAreAssigned() {
    passes(600);
    assertThat(said).as("it may still get one").isEqualTo(HOLDS);
    clock.front(SourceClock.NONE);
    passes(1);
    assertThat(said).isEqualTo(IDLE);
    gate = State.FULL;
    passes(1);
    assertThat(said).isEqualTo(IDLE);
  }

  /** Nothing is read while Redis is full, so nothing would ever give it a time. */
  @Test
  void isIdleUnderPressureBeforeItsFirstRecord() {
    clock.front(START);
    assign(0, 0);
    leaderSays(0, 1_000);
    gate = State.FULL;
    passes(1);
    assertThat(said).isEqualTo(IDLE);
    gate = State.OPEN;
    passes(1);
    assertThat(said).as("its backlog may be older than all others").isEqualTo(HOLDS);
  }

  @Test
  void isTheLowestOfItsPartitions() {
    assign(0, 0);
    assign(1, 0);
    read(0, 0, START);
    passes(1);
    assertThat(said).as("the second may be older").isEqualTo(HOLDS);
    read(1, 0, START - 20_000);
    passes(1);
    assertThat(said).isEqualTo(START - 20_001);
  }

  @Test
  void aPartitionThatNeverHadARecordHoldsNobodyBack() {
    assign(0, 0);
    assign(1, 0);
    read(0, 0, START);
    for (int i = 0; i < 5; i++) {
      leaderSays(0, 1);
      leaderSays(1, 0);
      passes(1);
    }
    assertThat(said).isEqualTo(START - 1 + 1_800);
  }

  @Test
  void advancesAllClocksByTheWallClockUnderPressure() {
    assign(0, 0);
    assign(1, 0);
    read(0, 0, START);
    read(1, 0, START - 20_000);
    passes(1);
    gate = State.FULL;
    passes(600);
    assertThat(said).isEqualTo(START - 20_001 + 600_000);
  }

  /** Nothing is read any more, but what is buffered must be flushed before memory comes free. */
  @Test
  void advancesUnderPressureAlthoughAllPartitionsAreFinished() {
    clock.front(SourceClock.NONE);
    clock.assigned(0, 0, 1, Optional.empty(), List.of());
    read(0, 0, START);
    passes(1);
    assertThat(said).isEqualTo(IDLE);
    gate = State.FULL;
    passes(60);
    assertThat((long) said).isBetween(START + 59_000, START + 60_000);
    gate = State.OPEN;
    passes(1);
    assertThat(said).isEqualTo(IDLE);
  }

  @Test
  void neverGoesBack() {
    assign(0, 0);
    read(0, 0, START);
    passes(1);
    assign(1, 0);
    read(1, 0, START - 50_000);
    passes(1);
    assertThat(said).isEqualTo(START - 1);
  }

  @Test
  void anUnreachablePartitionIsGivenUpAfterMaxSilence() {
    assign(0, 0);
    assign(1, 0);
    read(0, 0, START);
    read(1, 0, START);
    for (int second = 1; second <= 310; second++) {
      leaderSays(0, second);
      read(0, second, START + second * 1_000L);
      passes(1);
      if (second == 290) {
        assertThat(said).isEqualTo(START - 1);
      }
    }
    assertThat(said).isEqualTo(START + 310_000 - 1);
  }

  @Test
  void saysARestoredTimeFirst() {
    clock.assigned(
        0,
        10,
        -1,
        Optional.of(new ClockSnapshot(START - 5_000, START - 4_000, START, 0)),
        List.of());
    clock.assigned(
        1,
        10,
        -1,
        Optional.of(new ClockSnapshot(START - 7_000, START - 4_000, START, 0)),
        List.of());
    clock.emit(output);
    assertThat(said).isEqualTo(START - 7_000);
  }

  @Test
  void reportsItsHighestClockOnceASecondAtMostTheWallClock() {
    assign(0, 0);
    assign(1, 0);
    read(0, 0, START - 5_000);
    read(1, 0, START - 9_000);
    passes(10);
    assertThat(reports).hasSizeBetween(10, 11).endsWith(START - 5_001);
    read(0, 1, START + 60_000);
    passes(2);
    assertThat(reports.get(reports.size() - 1)).isBetween(START, wall.absoluteTimeMillis());
  }

  @Test
  void startsWhenTheAdoptionBeganIfNothingCanBeRead() {
    clock.front(SourceClock.NONE);
    adoption = START - 1_000;
    assign(0, 0);
    for (int second = 0; second < 32; second++) {
      leaderSays(0, 0);
      passes(1);
      if (second == 28) {
        assertThat(said).isEqualTo(IDLE);
      }
    }
    assertThat((long) said).isBetween(START - 1_000, START + 1_500);
  }

  @Test
  void startsWhenTheAdoptionBeganIfRedisIsFullBeforeAnythingIsRead() {
    clock.front(SourceClock.NONE);
    adoption = START;
    gate = State.FULL;
    assign(0, 0);
    passes(3);
    assertThat((long) said).isBetween(START + 2_000, START + 3_000);
  }

  @Test
  void waitsForTheFirstRecordIfThereIsOneAlthoughSomethingIsAdopted() {
    clock.front(SourceClock.NONE);
    adoption = START;
    assign(0, 0);
    for (int second = 0; second < 60; second++) {
      leaderSays(0, 100);
      passes(1);
    }
    assertThat(said).isEqualTo(HOLDS);
  }

  @Test
  void reportsOnceWhatWasDeletedBeforeItWasRead() {
    assign(0, 10);
    assign(1, 0);
    read(0, 60, START);
    passes(1);
    clock.progress(0).answered(60, 61, 61, wall.relativeTimeNanos());
    assertThat(clock.takeDeleted()).isEqualTo(Map.of(0, 50L));
    assertThat(clock.takeDeleted()).isEmpty();
  }

  private void assign(int partition, long start) {
    clock.assigned(partition, start, -1, Optional.empty(), List.of());
  }

  private void read(int partition, long offset, long timestamp) {
    clock.progress(partition).fetched(LongStream.of(offset), offset + 1, wall.relativeTimeNanos());
    clock.emitted(partition, offset, clock.timeOf(partition, timestamp));
  }

  private void leaderSays(int partition, long end) {
    clock.progress(partition).answered(0, end, end, wall.relativeTimeNanos());
  }

  private void passes(int seconds) {
    for (int i = 0; i < seconds * 5; i++) {
      wall.advanceTime(Duration.ofMillis(200));
      clock.emit(output);
    }
  }
}
