package io.spanfold.buffer.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RetryPolicyTest {

  private final AtomicLong now = new AtomicLong();
  private final List<Duration> pauses = new ArrayList<>();

  private RetryPolicy policy(Duration budget, double random) {
    return new RetryPolicy(
        budget,
        now::get,
        pause -> {
          pauses.add(pause);
          now.addAndGet(pause.toNanos());
        },
        () -> random);
  }

  @Test
  void pausesGrowUpToABoundAndStopWithTheBudget() {
    RetryPolicy.Attempts attempts = policy(Duration.ofSeconds(10), 0.999999).begin();
    while (attempts.pause("test", null)) {
      assertThat(attempts.elapsed()).isLessThanOrEqualTo(Duration.ofSeconds(10));
    }
    assertThat(attempts.elapsed()).isEqualTo(Duration.ofSeconds(10));
    assertThat(attempts.made()).isEqualTo(pauses.size() + 1);
    assertThat(pauses.stream().map(Duration::toMillis).limit(9))
        .containsExactly(19L, 39L, 79L, 159L, 319L, 639L, 1279L, 1999L, 1999L);
  }

  @Test
  void pausesAreJitteredByHalf() {
    policy(Duration.ofSeconds(1), 0).begin().pause("test", null);
    assertThat(pauses).containsExactly(Duration.ofMillis(10));
  }

  @Test
  void neverWaitsWithoutABudget() {
    assertThat(policy(Duration.ZERO, 0).begin().pause("test", null)).isFalse();
    assertThat(pauses).isEmpty();
  }
}
