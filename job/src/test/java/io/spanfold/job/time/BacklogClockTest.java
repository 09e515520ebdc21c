package io.spanfold.job.time;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BacklogClockTest {

  private final BacklogClock<String> clock = new BacklogClock<>();
  private final WatermarkLog log = new WatermarkLog();

  @Test
  void saysNothingBeforeTheFirstRecord() {
    clock.onPeriodicEmit(log);

    assertThat(log.watermarks).isEmpty();
    assertThat(log.idle).isZero();
  }

  @Test
  void standsAtTheLatestRecordAndNeverGoesOnByItself() {
    clock.onEvent("a", 5_000, log);
    clock.onEvent("b", 3_000, log);
    clock.onPeriodicEmit(log);
    clock.onPeriodicEmit(log);

    assertThat(log.watermarks).containsExactly(4_999L, 4_999L);
    assertThat(log.idle).isZero();
  }
}
