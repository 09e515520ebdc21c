package io.spanfold.job.async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.embedded.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
public class AsyncStageOperatorTest {

  /** The elements that the workers received; the test completes them. */
  private static final BlockingQueue<AsyncStageFunction.Task<Integer, String>> PROCESSED =
      new LinkedBlockingQueue<>();

  private static final Map<Integer, AsyncStageFunction.Task<Integer, String>> TASKS =
      new ConcurrentHashMap<>();

  private static final List<String> EVENTS = new CopyOnWriteArrayList<>();

  private static final AtomicBoolean WAITING = new AtomicBoolean();

  private static boolean overtaken;

  private OneInputStreamOperatorTestHarness<Integer, String> harness;

  @BeforeEach
  void reset() {
    PROCESSED.clear();
    TASKS.clear();
    EVENTS.clear();
    WAITING.set(false);
    overtaken = false;
  }

  /** Not the harness's own close, which waits for all elements as at the end of input. */
  @AfterEach
  void close() throws Exception {
    harness.getOneInputOperator().close();
    harness.getEnvironment().close();
  }

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

  private void open(AsyncStageSettings settings, OperatorSubtaskState state) throws Exception {
    harness = newHarness(settings);
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
  }

  private static OneInputStreamOperatorTestHarness<Integer, String> newHarness(
      AsyncStageSettings settings) throws Exception {
    OneInputStreamOperatorTestHarness<Integer, String> harness =
        new OneInputStreamOperatorTestHarness<>(
            new AsyncStageOperator<>(new Function(), settings, Types.INT));
    harness.setup();
    return harness;
  }

  private void add(int element) throws Exception {
    harness.processElement(new StreamRecord<>(element));
  }

  private static void awaitProcessed(Integer... elements) throws InterruptedException {
    for (int i = 0; i < elements.length; i++) {
      AsyncStageFunction.Task<Integer, String> task = PROCESSED.poll(10, TimeUnit.SECONDS);
      assertThat(task).as("processed within ten seconds").isNotNull();
      TASKS.put(task.input(), task);
    }
    assertThat(TASKS.keySet()).contains(elements);
  }

  private static void awaitBlockedWorkers(int count) throws InterruptedException {
    Await.until(
        () ->
            Thread.getAllStackTraces().entrySet().stream()
                    .filter(thread -> thread.getKey().getName().contains(" worker "))
                    .filter(thread -> thread.getKey().getState() == Thread.State.WAITING)
                    .flatMap(thread -> Stream.of(thread.getValue()))
                    .filter(frame -> frame.getClassName().equals(Semaphore.class.getName()))
                    .count()
                == count);
  }

  private void complete(int element) throws Exception {
    TASKS.get(element).complete(List.of(element + "a", element + "b"));
    runMail();
  }

  private void runMail() throws Exception {
    harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
  }

  private static final class Function
      implements AsyncStageFunction<Integer, String>, CheckpointedFunction {

    private static final long serialVersionUID = 1L;

    @Override
    public Worker<Integer, String> open(MetricGroup metrics, TaskInfo task) {
      EVENTS.add("opened");
      return new TestWorker();
    }

    @Override
    public long waitingCost(Integer element) {
      return Math.abs(element);
    }

    @Override
    public long activeCost(Integer element) {
      return Math.abs(element);
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      context.getRestoredCheckpointId().ifPresent(id -> EVENTS.add("restored " + id));
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
      EVENTS.add("checkpoint " + context.getCheckpointId());
    }

    @Override
    public boolean mayBeOvertaken() {
      return overtaken;
    }

    @Override
    public int orderingKey(Integer element) {
      return element;
    }
  }

  private static final class TestWorker implements AsyncStageFunction.Worker<Integer, String> {

    @Override
    public void process(List<AsyncStageFunction.Task<Integer, String>> tasks) {
      for (AsyncStageFunction.Task<Integer, String> task : tasks) {
        if (task.input() == -13) {
          throw new IllegalStateException("unlucky");
        }
        if (task.input() < 0) {
          task.complete(List.of(task.input() + "a", task.input() + "b"));
        } else {
          PROCESSED.add(task);
        }
      }
    }

    @Override
    public boolean isWaiting() {
      return WAITING.get();
    }

    @Override
    public void close() {}
  }
}
