package io.spanfold.job.track;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimingWheelTest {

  private static final class Named extends TimingWheel.Entry {}

  /** Random changes, compared with a map that is searched for its least time. */
  @Test
  void entriesComeInTheOrderOfTheirTimes() {
    for (long seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      TimingWheel wheel = new TimingWheel();
      Map<Named, Long> model = new HashMap<>();
      List<Named> entries = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        entries.add(new Named());
      }
      for (int step = 0; step < 500; step++) {
        Named entry = entries.get(random.nextInt(entries.size()));
        switch (random.nextInt(4)) {
          case 0, 1 -> {
            long time = random.nextInt(20) == 0 ? Long.MAX_VALUE : 100L * random.nextInt(10);
            wheel.set(entry, time);
            model.put(entry, time);
          }
          case 2 -> {
            wheel.remove(entry);
            model.remove(entry);
          }
          default -> {
            long until = 100L * random.nextInt(10);
            long first = model.values().stream().mapToLong(t -> t).min().orElse(Long.MAX_VALUE);
            assertThat(wheel.isDue(until)).as("seed %d", seed).isEqualTo(first <= until);
            TimingWheel.Entry due = wheel.poll(until);
            if (first > until) {
              assertThat(due).as("seed %d", seed).isNull();
            } else {
              assertThat(due.time()).as("seed %d", seed).isEqualTo(first);
              assertThat(model.remove(due)).as("seed %d", seed).isEqualTo(first);
            }
          }
        }
      }
      while (!model.isEmpty()) {
        model.remove(wheel.poll(Long.MAX_VALUE));
      }
      assertThat(wheel.isEmpty()).as("seed %d", seed).isTrue();
    }
  }
}
