package io.spanfold.job.async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How much a stage takes in, and what it does if nothing completes. */
@Timeout(30)
class AsyncStageBoundsTest extends AsyncStageUnderTest {

  @Test
  void activeCostIsBounded() throws Exception {
    open(AsyncStageSettings.unordered(3).maxWaiting(1_000).maxActive(100), null);
    add(60);
    awaitProcessed(60);
    add(61);
    assertThat(PROCESSED).isEmpty();
    complete(60);
    awaitProcessed(61);
  }

  @Test
  void elementAboveTheBoundIsProcessedAlone() throws Exception {
    open(AsyncStageSettings.unordered(3).maxWaiting(1_000).maxActive(100), null);
    add(500);
    awaitProcessed(500);
  }

  @Test
  void largeElementIsNotOvertakenBySmallOnes() throws Exception {
    open(AsyncStageSettings.unordered(3).maxWaiting(1_000).maxActive(100), null);
    add(60);
    awaitProcessed(60);
    add(100); // The second worker.
    awaitBlockedWorkers(1);
    add(2); // The third worker.
    awaitBlockedWorkers(2);
    complete(60);
    awaitProcessed(100);
    assertThat(PROCESSED).isEmpty();
    complete(100);
    awaitProcessed(2);
  }

  @Test
  void fullStageBlocksItsInput() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(0).maxActive(100), null);
    add(-1); // Returns only after its results are emitted, as nothing may wait.
    assertThat(harness.extractOutputValues()).containsExactly("-1a", "-1b");
  }

  @Test
  void fullStageAcceptsATrickleSoThatABarrierCanPass() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(40).maxActive(1_000), null);
    add(41); // Never completed.
    add(1);
    add(2);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    close();
    reset();

    open(AsyncStageSettings.unordered(1).maxWaiting(1_000).maxActive(1_000), state);
    awaitProcessed(41, 1, 2);
  }

  /** A batch can be as large as the bound, and there is one before each barrier. */
  @Test
  void fullStageAcceptsItsBoundAgainWithoutALongWait() throws Exception {
    int bound = AsyncStageOperator.FORGIVEN_SHARE;
    open(AsyncStageSettings.unordered(1).maxWaiting(bound).maxActive(1_000), null);
    add(bound); // Never completed.
    long start = System.nanoTime();
    add(bound);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(
            Duration.ofMillis(AsyncStageOperator.FULL_WAIT_MILLIS),
            Duration.ofMillis(bound / 2 * AsyncStageOperator.FULL_WAIT_MILLIS));
  }

  @Test
  void stageThatHadRoomAcceptsItsBoundAgain() throws Exception {
    int bound = AsyncStageOperator.FORGIVEN_SHARE;
    open(AsyncStageSettings.unordered(1).maxWaiting(bound).maxActive(1_000), null);
    add(2 * bound);
    awaitProcessed(2 * bound);
    complete(2 * bound);
    long start = System.nanoTime();
    add(2 * bound - 1); // Never completed.
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isLessThan(Duration.ofMillis(bound / 2 * AsyncStageOperator.FULL_WAIT_MILLIS));
  }

  @Test
  void stageWithTwiceItsBoundAcceptsLargeElementsNoFasterThanSmallOnes() throws Exception {
    int bound = AsyncStageOperator.FORGIVEN_SHARE;
    open(AsyncStageSettings.unordered(1).maxWaiting(bound).maxActive(1_000), null);
    add(2 * bound); // Never completed. A second is waited for it, and one is forgiven.
    long start = System.nanoTime();
    add(3);
    add(1);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(Duration.ofMillis(3 * AsyncStageOperator.FULL_WAIT_MILLIS));
  }

  @Test
  void fullStageAcceptsAtOnceWhenAnElementCompletes() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(0).maxActive(1_000), null);
    long start = System.nanoTime();
    for (int i = 1; i <= 10; i++) {
      add(-i);
    }
    assertThat(harness.extractOutputValues()).hasSize(20);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isLessThan(Duration.ofMillis(AsyncStageOperator.FULL_WAIT_MILLIS));
  }

  @Test
  void stageThatCompletesNothingForTooLongFailsItsTask() throws Exception {
    open(
        AsyncStageSettings.unordered(1)
            .maxWaiting(100)
            .maxActive(100)
            .stallTimeout(Duration.ofMillis(4)),
        null);
    add(1);
    awaitProcessed(1);
    AtomicLong now = new AtomicLong();
    assertThatThrownBy(
            () -> {
              while (true) {
                harness.setProcessingTime(now.addAndGet(1_000));
              }
            })
        .hasStackTraceContaining("has 1 elements in flight and has completed none");
  }

  @Test
  void stageWhoseWorkerWaitsForSomethingOutsideDoesNotStall() throws Exception {
    open(
        AsyncStageSettings.unordered(1)
            .maxWaiting(100)
            .maxActive(100)
            .stallTimeout(Duration.ofMillis(4)),
        null);
    add(1);
    awaitProcessed(1);
    WAITING.set(true);
    long from = System.nanoTime();
    long now = 0;
    while (System.nanoTime() - from < TimeUnit.MILLISECONDS.toNanos(20)) {
      harness.setProcessingTime(now += 1_000);
    }
  }

  @Test
  void stageWithoutElementsDoesNotStall() throws Exception {
    open(
        AsyncStageSettings.unordered(1)
            .maxWaiting(100)
            .maxActive(100)
            .stallTimeout(Duration.ofMillis(4)),
        null);
    add(-1);
    runMail();
    long from = System.nanoTime();
    long now = 0;
    while (System.nanoTime() - from < TimeUnit.MILLISECONDS.toNanos(20)) {
      harness.setProcessingTime(now += 1_000);
    }
  }

  @Test
  void settingsThatCouldDeadlockAreRefused() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(100).maxActive(100), null);
    AsyncStageSettings settings = AsyncStageSettings.ordered(2).maxWaiting(100).maxActive(100);
    assertThatThrownBy(() -> new AsyncStageOperator<>(new Function(), settings, Types.INT))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
