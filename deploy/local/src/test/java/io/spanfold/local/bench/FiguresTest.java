package io.spanfold.local.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void theMedianIsTheMiddleValueOrTheMeanOfTheTwo() {
    assertThat(Figures.median(3, 1, 2)).isEqualTo(2);
    assertThat(Figures.median(4, 1, 2, 3)).isEqualTo(2.5);
    assertThat(Figures.median()).isNaN();
  }

  @Test
  void theSpreadIsTheRangeRelativeToTheMedian() {
    assertThat(Figures.spread(90, 100, 120)).isEqualTo(0.3);
    assertThat(Figures.spread(5)).isZero();
  }

  @Test
  void quantilesAreInterpolated() {
    assertThat(Figures.quantile(0.99, 0, 100)).isEqualTo(99);
    assertThat(Figures.quantile(1, 7, 3)).isEqualTo(7);
  }
}
