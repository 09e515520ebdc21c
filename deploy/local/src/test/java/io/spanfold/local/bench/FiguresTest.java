package io.spanfold.local.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
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

  @Test
  void aJobIsSteadyWhenItEmitsForSecondsWhatItReads() {
    SteadyState filling = new SteadyState();
    SteadyState even = new SteadyState();
    boolean filled = false;
    boolean balanced = false;
    for (int tenths = 0; tenths <= 50; tenths++) {
      filled |= filling.isReached(counters(tenths, 1_000L * tenths, 100L * tenths));
      balanced = even.isReached(counters(tenths, 1_000L * tenths, 900L * tenths));
    }
    assertThat(filled).isFalse();
    assertThat(balanced).isTrue();
  }

  private static Sample counters(int tenths, long in, long out) {
    return new Sample(
        tenths * 100_000_000L, 0, 0, Map.of("spansIn", in, "spansOut", out), Map.of());
  }
}
