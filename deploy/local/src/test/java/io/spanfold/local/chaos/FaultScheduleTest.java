package io.spanfold.local.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.local.cli.UsageException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FaultScheduleTest {

  /** Every fault once, two of them twice. */
  private static final int ALL = Fault.values().length + 2;

  @Test
  void eachRoundHasEveryFaultAsOftenAsTheListSays() {
    FaultSchedule schedule = FaultSchedule.parse(Optional.of("wipe:2,stall-redis"), new Random(1));

    for (int round = 0; round < 5; round++) {
      assertThat(draw(schedule, 3))
          .containsExactlyInAnyOrder(Fault.WIPE, Fault.WIPE, Fault.STALL_REDIS);
    }
  }

  @Test
  void theDefaultHasAllFaultsAndTheSeedDecidesTheOrder() {
    List<Fault> order = draw(FaultSchedule.parse(Optional.empty(), new Random(5)), ALL);

    assertThat(order).contains(Fault.values());
    assertThat(order.stream().filter(kind -> kind == Fault.WIPE)).hasSize(2);
    assertThat(order.stream().filter(kind -> kind == Fault.REFUSE_WRITES)).hasSize(2);
    assertThat(draw(FaultSchedule.parse(Optional.empty(), new Random(5)), ALL)).isEqualTo(order);
  }

  @Test
  void noneIsAnEmptySchedule() {
    assertThat(FaultSchedule.parse(Optional.of("none"), new Random(1)).isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "fire", "wipe:0", "wipe:x", "wipe,,cut"})
  void refusesAnInvalidList(String list) {
    Random random = new Random(1);

    assertThatThrownBy(() -> FaultSchedule.parse(Optional.of(list), random))
        .isInstanceOf(UsageException.class);
  }

  private static List<Fault> draw(FaultSchedule schedule, int times) {
    List<Fault> drawn = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      drawn.add(schedule.next());
    }
    return drawn;
  }
}
