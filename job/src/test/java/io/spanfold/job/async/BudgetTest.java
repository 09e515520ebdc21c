package io.spanfold.job.async;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BudgetTest {

  private final Budget budget = new Budget(100);
  private final BlockingQueue<Long> taken = new LinkedBlockingQueue<>();

  @Test
  void whoWaitsIsNotPassedByWhoNeedsLess() throws Exception {
    budget.acquire(60);
    Thread large = takeInAThread(100);
    awaitWaiting(large);

    assertThat(budget.tryAcquire(1)).isFalse();
    Thread small = takeInAThread(1);
    awaitWaiting(small);

    budget.release(60);
    assertThat(taken.poll(10, TimeUnit.SECONDS)).isEqualTo(100);
    budget.release(100);
    assertThat(taken.poll(10, TimeUnit.SECONDS)).isEqualTo(1);
    for (Thread thread : List.of(large, small)) {
      thread.join();
    }
    assertThat(budget.used()).isEqualTo(1);
  }

  @Test
  void whatIsAboveTheBoundIsTakenAlone() throws Exception {
    budget.acquire(1_000);
    assertThat(budget.tryAcquire(1)).isFalse();
    budget.release(1_000);
    assertThat(budget.tryAcquire(1)).isTrue();
  }

  private Thread takeInAThread(long cost) {
    Thread thread =
        new Thread(
            () -> {
              try {
                budget.acquire(cost);
                taken.add(cost);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static void awaitWaiting(Thread thread) {
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
  }
}
