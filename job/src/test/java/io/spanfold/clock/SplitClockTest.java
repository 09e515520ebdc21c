package io.spanfold.clock;

import static io.spanfold.clock.SplitClock.GRACE_MILLIS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SplitClockTest {

  private final WatermarkLog log = new WatermarkLog();

  /** How long the split had nothing to read, as Flink's input activity clock would say. */
  private long activity = 77;

  private final SplitClock<String> clock =
      new SplitClock<>(
          new org.apache.flink.util.clock.RelativeClock() {
            @Override
            public long relativeTimeMillis() {
              return activity;
            }

            @Override
            public long relativeTimeNanos() {
              return activity * 1_000_000;
            }
          });

  @Test
  void isWhereTheLatestRecordIs() {
    clock.onEvent("a", 5_000, log);
    clock.onEvent("b", 3_000, log);
    clock.onPeriodicEmit(log);

    assertThat(log.watermarks).containsExactly(4_999L);
  }

  @Test
  void goesOnByItselfAfterTheGraceThatIsNeverMadeUpFor() {
    clock.onEvent("a", 5_000, log);
    activity += GRACE_MILLIS;
    clock.onPeriodicEmit(log);
    assertThat(log.last()).isEqualTo(4_999);

    activity += 250;
    clock.onPeriodicEmit(log);
    assertThat(log.last()).isEqualTo(4_999 + 250);
  }

  @Test
  void standsStillWhileTheActivityClockDoes() {
    clock.onEvent("a", 5_000, log);
    for (int i = 0; i < 1_000; i++) {
      clock.onPeriodicEmit(log);
    }

    assertThat(log.watermarks).containsOnly(4_999L);
  }

  @Test
  void waitsAnewAfterEachRecord() {
    clock.onEvent("a", 5_000, log);
    activity += GRACE_MILLIS - 1;
    clock.onEvent("b", 4_000, log);
    activity += GRACE_MILLIS;
    clock.onPeriodicEmit(log);

    assertThat(log.last()).isEqualTo(4_999);
  }

  @Test
  void isIdleAfterTheGraceIfThereNeverWasARecord() {
    activity += GRACE_MILLIS - 1;
    clock.onPeriodicEmit(log);
    assertThat(log.idle).isZero();

    activity++;
    clock.onPeriodicEmit(log);
    assertThat(log.idle).isEqualTo(1);
    assertThat(log.watermarks).isEmpty();
  }

  @Test
  void isNeverIdleOnceThereWasARecord() {
    clock.onEvent("a", 5_000, log);
    activity += 100 * GRACE_MILLIS;
    clock.onPeriodicEmit(log);

    assertThat(log.idle).isZero();
    assertThat(log.last()).isEqualTo(4_999 + 99 * GRACE_MILLIS);
  }
}
