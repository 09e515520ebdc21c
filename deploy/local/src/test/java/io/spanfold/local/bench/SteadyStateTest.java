package io.spanfold.local.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class SteadyStateTest {

  private static final long SPANS_PER_SECOND = 20_000;

  /** Percent of a core: 20 is ten microseconds a span. */
  private static final long COMPILING = 20;

  @Test
  void aJobIsSteadyWhenItEmitsForSecondsWhatItReads() {
    assertThat(secondsUntilSteady(true, 10, 0)).isEqualTo(-1);
    assertThat(secondsUntilSteady(true, 90, 0)).isBetween(6, 7);
  }

  @Test
  void aJobThatEmitsNothingIsSteadyOnceItIsCompiled() {
    assertThat(secondsUntilSteady(false, 0, 0)).isBetween(6, 7);
  }

  @Test
  void aJobIsNotSteadyWhileItIsCompiled() {
    assertThat(secondsUntilSteady(true, 100, 5)).isBetween(10, 12);
    assertThat(secondsUntilSteady(false, 0, 5)).isBetween(10, 12);
    assertThat(secondsUntilSteady(true, 100, 1_000)).isEqualTo(-1);
  }

  /** Returns after how many seconds a job is steady; -1 if it is not after half a minute. */
  private static int secondsUntilSteady(boolean emits, int percentOut, int secondsOfCompiling) {
    SteadyState state = new SteadyState(emits);
    for (int tenths = 0; tenths <= 300; tenths++) {
      long in = SPANS_PER_SECOND * tenths / 10;
      long compilingMillis = COMPILING * Math.min(tenths, 10L * secondsOfCompiling);
      state.add(sample(tenths, in, in * percentOut / 100, compilingMillis));
      if (state.isReached()) {
        return tenths / 10;
      }
    }
    return -1;
  }

  private static Sample sample(int tenths, long in, long out, long compilingMillis) {
    return new Sample(
        tenths * 100_000_000L,
        0,
        0,
        Map.of("spansIn", in, "spansOut", out),
        Map.of("JIT", compilingMillis * 1_000_000));
  }
}
