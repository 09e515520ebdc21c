package io.spanfold.local.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class OutputReaderTest {

  private static final List<Long> TIMES = List.of(10L, 20L, 50L, 55L, 95L);

  @Test
  void gapsAreBetweenNeighboursAndOverlapTheRange() {
    assertThat(OutputReader.longestGap(TIMES, 21, 52)).isEqualTo(30);
    assertThat(OutputReader.longestGap(TIMES, 52, 54)).isEqualTo(5);
    assertThat(OutputReader.longestGap(TIMES, 12, 60)).isEqualTo(40);
  }

  @Test
  void gapsAreOpenBeforeTheFirstAndAfterTheLast() {
    assertThat(OutputReader.longestGap(TIMES, 0, 15)).isEqualTo(10);
    assertThat(OutputReader.longestGap(TIMES, 96, 200)).isEqualTo(105);
    assertThat(OutputReader.longestGap(List.of(), 5, 9)).isEqualTo(4);
  }

  @Test
  void gapsWithinARangeAreCutOffAtItsEnds() {
    assertThat(OutputReader.longestGapWithin(TIMES, 12, 60)).isEqualTo(30);
    assertThat(OutputReader.longestGapWithin(TIMES, 30, 45)).isEqualTo(15);
    assertThat(OutputReader.longestGapWithin(TIMES, 45, 30)).isZero();
  }

  @Test
  void partsThatComeWithoutAClockEndNoGap() {
    assertThat(OutputReader.showsThatTimeAdvances("1:" + "0".repeat(32), "idle")).isTrue();
    assertThat(OutputReader.showsThatTimeAdvances("1:" + "0".repeat(32), "full")).isFalse();
    assertThat(OutputReader.showsThatTimeAdvances("99:" + "0".repeat(32), "idle")).isFalse();
  }
}
