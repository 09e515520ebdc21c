package io.spanfold.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class GapsTest {

  private static final List<Long> TIMES = List.of(10L, 20L, 50L, 55L, 95L);

  @Test
  void areThoseBetweenNeighboursThatOverlapTheSpanOfTime() {
    assertThat(Gaps.longest(TIMES, 21, 52)).isEqualTo(30);
    assertThat(Gaps.longest(TIMES, 52, 54)).isEqualTo(5);
    assertThat(Gaps.longest(TIMES, 12, 60)).isEqualTo(40);
  }

  @Test
  void areOpenWhereNothingCameBeforeOrAfter() {
    assertThat(Gaps.longest(TIMES, 0, 15)).isEqualTo(10);
    assertThat(Gaps.longest(TIMES, 96, 200)).isEqualTo(105);
    assertThat(Gaps.longest(List.of(), 5, 9)).isEqualTo(4);
  }

  @Test
  void areCutOffAtTheEndsWhereOnlyWhatLiesWithinCounts() {
    assertThat(Gaps.longestWithin(TIMES, 12, 60)).isEqualTo(30);
    assertThat(Gaps.longestWithin(TIMES, 30, 45)).isEqualTo(15);
    assertThat(Gaps.longestWithin(TIMES, 45, 30)).isZero();
  }
}
