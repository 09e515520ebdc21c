package io.spanfold.job.async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a stage emits, in which order, and what of it is in a checkpoint. */
@Timeout(30)
class AsyncStageOperatorTest extends AsyncStageUnderTest {

  @Test
  void unorderedResultsAreEmittedAsTheyComplete() throws Exception {
    open(AsyncStageSettings.unordered(2).maxWaiting(100).maxActive(100), null);
    add(1);
    add(2);
    awaitProcessed(1, 2);
    complete(2);
    assertThat(harness.extractOutputValues()).containsExactly("2a", "2b");
    complete(1);
    assertThat(harness.extractOutputValues()).containsExactly("2a", "2b", "1a", "1b");
  }

  @Test
  void orderedResultsAreEmittedInTheOrderOfTheirElements() throws Exception {
    open(AsyncStageSettings.ordered(2).maxWaiting(100), null);
    add(1);
    add(2);
    awaitProcessed(1, 2);
    complete(2);
    assertThat(harness.extractOutputValues()).isEmpty();
    complete(1);
    assertThat(harness.extractOutputValues()).containsExactly("1a", "1b", "2a", "2b");
  }

  @Test
  void watermarkWaitsForTheElementsBeforeItOnly() throws Exception {
    open(AsyncStageSettings.unordered(3).maxWaiting(100).maxActive(100), null);
    add(1);
    harness.processWatermark(new Watermark(10));
    add(2);
    awaitProcessed(1, 2);
    assertThat(harness.getOutput()).isEmpty();
    complete(1);
    assertThat(harness.getOutput()).contains(new Watermark(10));
    harness.processWatermark(new Watermark(20));
    assertThat(harness.getOutput()).doesNotContain(new Watermark(20));
    complete(2);
    assertThat(harness.getOutput()).contains(new Watermark(20));
  }

  @Test
  void watermarkOvertakesElementsIfTheFunctionAllowsIt() throws Exception {
    open(AsyncStageSettings.ordered(1).maxWaiting(100), null);
    add(1);
    harness.processWatermark(new Watermark(10));
    assertThat(harness.getOutput()).isEmpty();
    overtaken = true;
    harness.processWatermark(new Watermark(20));
    assertThat(harness.getOutput()).containsExactly(new Watermark(20));
    overtaken = false;
    awaitProcessed(1);
    complete(1);
    assertThat(harness.getOutput())
        .as("a watermark never goes back")
        .doesNotContain(new Watermark(10));
    assertThat(harness.extractOutputValues()).containsExactly("1a", "1b");
  }

  @Test
  void maximumWatermarkOvertakesNothing() throws Exception {
    open(AsyncStageSettings.ordered(1).maxWaiting(100), null);
    overtaken = true;
    add(1);
    harness.processWatermark(Watermark.MAX_WATERMARK);
    assertThat(harness.getOutput()).isEmpty();
    awaitProcessed(1);
    complete(1);
    assertThat(harness.getOutput()).endsWith(Watermark.MAX_WATERMARK);
  }

  @Test
  void elementsThatAreNotEmittedAreInTheCheckpointAndProcessedAgain() throws Exception {
    AsyncStageSettings settings = AsyncStageSettings.unordered(3).maxWaiting(100).maxActive(100);
    open(settings, null);
    add(1);
    add(2);
    add(3);
    awaitProcessed(1, 2, 3);
    complete(2);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    close();
    reset();

    open(settings, state);
    awaitProcessed(1, 3);
    complete(1);
    complete(3);
    assertThat(harness.extractOutputValues()).containsExactly("1a", "1b", "3a", "3b");
  }

  @Test
  void elementWhoseResultsWaitForTheirTurnIsInTheCheckpoint() throws Exception {
    AsyncStageSettings settings = AsyncStageSettings.ordered(3).maxWaiting(100);
    open(settings, null);
    add(1);
    add(2);
    awaitProcessed(1, 2);
    complete(2);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    close();
    reset();

    open(settings, state);
    awaitProcessed(1, 2);
  }

  @Test
  void functionKnowsEachCheckpointAndTheRestoredOneBeforeAnyWorkerStarts() throws Exception {
    AsyncStageSettings settings = AsyncStageSettings.unordered(1).maxWaiting(100).maxActive(100);
    open(settings, null);
    add(1);
    awaitProcessed(1);
    harness.snapshot(7, 1);
    OperatorSubtaskState state = harness.snapshot(8, 2);
    assertThat(EVENTS).containsExactly("opened", "checkpoint 7", "checkpoint 8");
    close();
    reset();

    harness = newHarness(settings);
    harness.setRestoredCheckpointId(8);
    harness.initializeState(state);
    harness.open();
    awaitProcessed(1);
    assertThat(EVENTS).containsExactly("restored 8", "opened");
  }

  @Test
  void barrierWaitsForElementsThatCompleteSoon() throws Exception {
    open(
        AsyncStageSettings.unordered(1)
            .maxWaiting(100)
            .maxActive(100)
            .barrierWait(Duration.ofMinutes(1)),
        null);
    add(-1);
    harness.prepareSnapshotPreBarrier(1);
    assertThat(harness.extractOutputValues()).containsExactly("-1a", "-1b");
  }

  @Test
  void workerGetsWaitingElementsTogether() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(1_000).maxActive(100).maxBatch(10), null);
    add(90);
    runMail();
    awaitProcessed(90);
    add(30);
    add(33);
    add(36);
    add(39);
    runMail();
    complete(90);
    awaitProcessed(30, 33, 36);
    assertThat(PROCESSED).isEmpty();
  }

  /** A worker that got the first at once would make a call for one element. */
  @Test
  void whatArrivesBeforeTheTaskHasTimeForMailIsProcessedTogether() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(1_000).maxBatch(10), null);
    add(-30);
    add(-33);
    add(-36);
    runMail(); // Hands them over.
    runMail();
    assertThat(harness.extractOutputValues())
        .containsExactly("-30a", "-30b", "-33a", "-33b", "-36a", "-36b");
    assertThat(harness.getTaskMailbox().hasMail()).isFalse();
  }

  @Test
  void aFullBatchDoesNotWaitForMail() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(1_000).maxBatch(2), null);
    add(1);
    add(2);
    awaitProcessed(1, 2);
  }

  @Test
  void whatAWorkerCompletesInOneCallIsHandedOverTogether() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(1_000).maxActive(100).maxBatch(10), null);
    add(90);
    runMail();
    awaitProcessed(90);
    add(-30); // The worker completes negative elements.
    add(-33);
    add(-36);
    runMail();
    complete(90);
    runMail();
    assertThat(harness.extractOutputValues())
        .containsExactly("90a", "90b", "-30a", "-30b", "-33a", "-33b", "-36a", "-36b");
    assertThat(harness.getTaskMailbox().hasMail()).isFalse();
  }

  @Test
  void whatIsCompletedUntilTheTaskHasTimeForItTakesOneMail() throws Exception {
    open(AsyncStageSettings.ordered(3).maxWaiting(100), null);
    for (int i = 1; i <= 3; i++) {
      add(i);
    }
    awaitProcessed(1, 2, 3);
    for (int i : List.of(2, 3, 1)) {
      TASKS.get(i).complete(List.of(i + "a"));
    }
    runMail();
    assertThat(harness.extractOutputValues()).containsExactly("1a", "2a", "3a");
    assertThat(harness.getTaskMailbox().hasMail()).isFalse();
  }

  @Test
  void otherMailGetsItsTurnBetweenManyCompletedElements() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(1_000_000).maxBatch(1_000), null);
    for (int i = 1; i <= 1_000; i++) {
      add(i);
    }
    awaitProcessed(IntStream.rangeClosed(1, 1_000).boxed().toArray(Integer[]::new));
    for (int i = 1; i <= 1_000; i++) {
      TASKS.get(i).complete(List.of("done"));
    }
    boolean[] other = {false};
    harness
        .getTaskMailbox()
        .put(new Mail(() -> other[0] = true, TaskMailbox.MAX_PRIORITY, "other mail"));
    while (!other[0]) {
      runMail();
    }
    assertThat(harness.extractOutputValues()).hasSizeBetween(1, 500);
    while (harness.getTaskMailbox().hasMail()) {
      runMail();
    }
    assertThat(harness.extractOutputValues()).hasSize(1_000);
  }

  @Test
  void whatAWorkerCompletedBeforeItFailedIsEmitted() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(1_000).maxActive(100).maxBatch(10), null);
    add(90);
    runMail();
    awaitProcessed(90);
    add(-30);
    add(-13);
    runMail();
    complete(90);
    runMail();
    assertThat(harness.extractOutputValues()).containsExactly("90a", "90b", "-30a", "-30b");
    assertThatThrownBy(this::runMail).hasRootCauseMessage("unlucky");
  }

  @Test
  void allIsEmittedOnceAndInOrderWhateverCompletesWhen() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 20; round++) {
      boolean ordered = random.nextBoolean();
      AsyncStageSettings settings =
          (ordered ? AsyncStageSettings.ordered(3) : AsyncStageSettings.unordered(3))
              .maxWaiting(1_000_000)
              .maxBatch(random.nextInt(1, 8));
      open(settings, null);
      List<Integer> open = new ArrayList<>();
      int last = random.nextInt(1, 60);
      for (int i = 1; i <= last; i++) {
        boolean byItself = i != 13 && random.nextBoolean();
        add(byItself ? -i : i);
        if (!byItself) {
          open.add(i);
        }
        if (random.nextInt(4) == 0) {
          harness.processWatermark(new Watermark(i));
        }
      }
      while (harness.getTaskMailbox().hasMail()) {
        runMail();
      }
      awaitProcessed(open.toArray(Integer[]::new));
      Collections.shuffle(open, random);
      for (int each : open) {
        TASKS.get(each).complete(List.of(each + "a"));
        if (random.nextInt(3) == 0 && harness.getTaskMailbox().hasMail()) {
          runMail();
        }
      }
      harness.getOneInputOperator().finish();
      assertWatermarksAreBehindTheirElements(ordered, last);
      close();
      reset();
    }
    open(AsyncStageSettings.ordered(1), null);
  }

  private void assertWatermarksAreBehindTheirElements(boolean ordered, int last) {
    List<Integer> seen = new ArrayList<>();
    for (Object out : harness.getOutput()) {
      if (out instanceof Watermark mark) {
        assertThat(seen)
            .containsAll(IntStream.rangeClosed(1, (int) mark.getTimestamp()).boxed().toList());
      } else {
        String text = ((StreamRecord<?>) out).getValue().toString();
        if (text.endsWith("a")) {
          seen.add(Math.abs(Integer.parseInt(text.substring(0, text.length() - 1))));
        }
      }
    }
    List<Integer> all = IntStream.rangeClosed(1, last).boxed().toList();
    if (ordered) {
      assertThat(seen).isEqualTo(all);
    } else {
      assertThat(seen).containsExactlyInAnyOrderElementsOf(all);
    }
  }

  @Test
  void endOfInputWaitsForElementsInFlight() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(100).maxActive(100), null);
    add(-1); // The worker completes negative elements.
    harness.getOneInputOperator().finish();
    assertThat(harness.extractOutputValues()).containsExactly("-1a", "-1b");
  }

  @Test
  void becomesActiveAfterItBecameIdleBehindAnElement() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(100).maxActive(100), null);
    add(1);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    awaitProcessed(1);
    complete(1);
    harness.processWatermarkStatus(WatermarkStatus.ACTIVE);
    assertThat(harness.getOutput()).endsWith(WatermarkStatus.IDLE, WatermarkStatus.ACTIVE);
  }

  @Test
  void failureOfAWorkerFailsTheTask() throws Exception {
    open(AsyncStageSettings.unordered(1).maxWaiting(100).maxActive(100), null);
    add(-13);
    assertThatThrownBy(this::runMail).hasRootCauseMessage("unlucky");
  }
}
