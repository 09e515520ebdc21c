package io.spanfold.job.time;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.OffsetGap;
import io.spanfold.job.gate.RedisGate.State;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a state of docs/time.md is recognised. */
class PartitionProgressTest {

  private static final long NOW = 1_000_000_000_000L;

  /**
   * A partition whose records 0 to 7 and 9 were fetched: 8 is a marker. The consumer is behind the
   * marker 10.
   */
  @ParameterizedTest(name = "emitted {0}, start {1}, stable {2}, end {3}, gate {4}: {5}")
  @CsvSource(
      textBlock =
          """
           9,  0, 11, 11, OPEN,        AT_END
           9,  0, 10, 11, OPEN,        AT_END
           9,  0, 11, 20, OPEN,        OPEN_TRANSACTION
           9,  0, 12, 12, OPEN,        READING
           7,  0, 11, 11, OPEN,        READING
           9, 15, 15, 15, OPEN,        AT_END
           9, 12, 15, 15, OPEN,        READING
           9,  0, 11, 11, FULL,        PRESSED
           7,  0, 20, 30, FULL,        PRESSED
           9,  0, 11, 11, UNREACHABLE, PAUSED
          """)
  void judgesByThePositionOfTheConsumer(
      long emitted, long start, long stable, long end, State gate, PartitionState expected) {
    PartitionProgress progress = progress(0, -1);
    progress.fetched(LongStream.rangeClosed(0, 7), 8, NOW);
    progress.fetched(LongStream.rangeClosed(9, 9), 10, NOW);
    progress.fetched(LongStream.empty(), 11, NOW);
    progress.emitted(emitted);
    progress.answered(start, stable, end, NOW);
    assertThat(progress.state(gate, NOW)).isEqualTo(expected);
  }

  @Test
  void anAnswerIsValidForThreeSeconds() {
    PartitionProgress progress = progress(5, -1);
    assertThat(progress.state(State.OPEN, NOW)).isEqualTo(PartitionState.UNREACHABLE);
    progress.answered(0, 5, 5, NOW);
    assertThat(progress.state(State.OPEN, NOW + 2_999_999_999L)).isEqualTo(PartitionState.AT_END);
    assertThat(progress.state(State.OPEN, NOW + 3_000_000_000L))
        .isEqualTo(PartitionState.UNREACHABLE);
  }

  @Test
  void readsFromTheFirstRecordThereIsWhereNoOffsetIsGiven() {
    PartitionProgress progress = progress(-2, -1);
    progress.answered(40, 40, 40, NOW);
    assertThat(progress.state(State.OPEN, NOW)).isEqualTo(PartitionState.AT_END);
    progress.answered(40, 41, 41, NOW + 1);
    assertThat(progress.state(State.OPEN, NOW)).isEqualTo(PartitionState.READING);
  }

  @Test
  void aBoundedPartitionIsFinishedWhenAllOfItIsEmittedWhateverTheGate() {
    PartitionProgress progress = progress(0, 3);
    progress.answered(0, 100, 100, NOW);
    progress.fetched(LongStream.rangeClosed(0, 2), 3, NOW);
    assertThat(progress.state(State.OPEN, NOW)).isEqualTo(PartitionState.READING);
    progress.emitted(2);
    assertThat(progress.state(State.FULL, NOW)).isEqualTo(PartitionState.FINISHED);
    assertThat(progress(3, 3).state(State.OPEN, NOW)).isEqualTo(PartitionState.FINISHED);
  }

  @Test
  void countsWhatWasDeletedBeforeItWasRead() {
    PartitionProgress progress = progress(10, -1);
    progress.answered(0, 100, 100, NOW);
    progress.fetched(LongStream.rangeClosed(60, 61), 62, NOW);
    assertThat(progress.gaps()).as("read again after a restore").isEmpty();
    progress.emitted(60);
    assertThat(progress.takeDeleted()).as("asked before the gap was passed").isZero();
    assertThat(progress.gaps()).containsExactly(new OffsetGap(10, 60));
    progress.answered(60, 100, 100, NOW + 2);
    assertThat(progress.takeDeleted()).isEqualTo(50);
    assertThat(progress.takeDeleted()).as("once").isZero();
    assertThat(progress.gaps()).isEmpty();
  }

  @Test
  void countsNoMarkerAndNothingBehindTheFirstRecordThereIs() {
    PartitionProgress progress = progress(10, -1);
    progress.fetched(LongStream.of(10), 11, NOW);
    progress.fetched(LongStream.empty(), 12, NOW);
    progress.emitted(10);
    progress.answered(5, 100, 100, NOW + 1);
    assertThat(progress.takeDeleted()).as("a marker").isZero();
    progress.fetched(LongStream.of(20), 21, NOW + 2);
    progress.emitted(20);
    progress.answered(17, 100, 100, NOW + 3);
    assertThat(progress.takeDeleted()).as("of 12 to 19, those before 17").isEqualTo(5);
    progress.fetched(LongStream.of(25), 26, NOW + 4);
    progress.emitted(25);
    progress.answered(17, 100, 100, NOW + 5);
    assertThat(progress.takeDeleted()).as("compacted").isZero();
  }

  /** The consumer starts again at the first record there is, and gets none. */
  @Test
  void countsWhatWasDeletedAlthoughNoRecordFollows() {
    PartitionProgress progress = progress(10, -1);
    progress.fetched(LongStream.empty(), 1_000, NOW);
    assertThat(progress.resumeAt(10)).as("undecided").isEqualTo(10);
    assertThat(progress.gaps()).as("found again from there").isEmpty();
    progress.answered(1_000, 1_000, 1_000, NOW + 1);
    assertThat(progress.takeDeleted()).isEqualTo(990);
    assertThat(progress.resumeAt(10)).isEqualTo(1_000);
  }

  /** What follows the end is fetched, but never emitted. */
  @Test
  void aBoundedPartitionIsFinishedAlthoughMoreWasFetched() {
    PartitionProgress progress = progress(0, 3);
    progress.fetched(LongStream.rangeClosed(0, 9), 10, NOW);
    progress.emitted(2);
    assertThat(progress.state(State.OPEN, NOW)).isEqualTo(PartitionState.FINISHED);
  }

  @Test
  void anAnswerToAnEarlierQuestionReplacesNoLaterOne() {
    PartitionProgress progress = progress(5, -1);
    progress.answered(0, 9, 9, NOW + 2);
    progress.answered(0, 5, 5, NOW + 1);
    assertThat(progress.state(State.OPEN, NOW + 3)).isEqualTo(PartitionState.READING);
  }

  @Test
  void goesOnBehindMarkersOnceAllRecordsBeforeThemAreEmitted() {
    PartitionProgress progress = progress(10, -1);
    progress.fetched(LongStream.rangeClosed(10, 11), 12, NOW);
    progress.emitted(10);
    progress.fetched(LongStream.empty(), 14, NOW);
    assertThat(progress.resumeAt(11)).isEqualTo(11);
    progress.emitted(11);
    progress.answered(0, 14, 14, NOW + 1);
    assertThat(progress.takeDeleted()).isZero();
    assertThat(progress.resumeAt(12)).isEqualTo(14);
    assertThat(progress(-2, -1).resumeAt(-2)).isEqualTo(-2);
  }

  @Test
  void decidesAfterARestoreWhatWasNotDecidedBefore() {
    PartitionProgress progress = new PartitionProgress(61, -1, List.of(new OffsetGap(10, 60)), NOW);
    assertThat(progress.gaps()).as("kept by the next checkpoint").hasSize(1);
    progress.answered(60, 100, 100, NOW + 1);
    assertThat(progress.takeDeleted()).isEqualTo(50);
  }

  @Test
  void missesNothingWhereItStartsAtTheFirstRecordThereIs() {
    PartitionProgress progress = progress(-2, -1);
    progress.fetched(LongStream.rangeClosed(60, 60), 61, NOW);
    progress.emitted(60);
    assertThat(progress.gaps()).isEmpty();
  }

  private static PartitionProgress progress(long position, long stop) {
    return new PartitionProgress(position, stop, List.of(), NOW);
  }
}
