package io.spanfold.job.async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
public class AsyncStageOperatorTest {

  /** What the workers were given; the test completes it as it likes. */
  private static final BlockingQueue<StageTask<Integer, String>> GIVEN =
      new LinkedBlockingQueue<>();

  private static final Map<Integer, StageTask<Integer, String>> TASKS = new ConcurrentHashMap<>();

  private static boolean overtaken;

  private OneInputStreamOperatorTestHarness<Integer, String> harness;

  @BeforeEach
  void forget() {
    GIVEN.clear();
    TASKS.clear();
    overtaken = false;
  }

  /** Not by the harness's own close, which would wait for all elements as at the end of input. */
  @AfterEach
  void close() throws Exception {
    harness.getOneInputOperator().close();
    harness.getEnvironment().close();
  }

  @Test
  void resultsLeaveAsTheyComeWhereOrderDoesNotMatter() throws Exception {
    open(new AsyncStageSettings(false, 2, 100, 100, 1, 0, 0), null);
    add(1);
    add(2);
    awaitGiven(1, 2);
    complete(2);
    assertThat(harness.extractOutputValues()).containsExactly("2a", "2b");
    complete(1);
    assertThat(harness.extractOutputValues()).containsExactly("2a", "2b", "1a", "1b");
  }

  @Test
  void resultsLeaveInTheOrderOfTheirElementsWhereItMatters() throws Exception {
    open(new AsyncStageSettings(true, 2, 100, Long.MAX_VALUE, 1, 0, 0), null);
    add(1);
    add(2);
    awaitGiven(1, 2);
    complete(2);
    assertThat(harness.extractOutputValues()).isEmpty();
    complete(1);
    assertThat(harness.extractOutputValues()).containsExactly("1a", "1b", "2a", "2b");
  }

  @Test
  void aWatermarkWaitsForTheElementsBeforeItButNotForThoseAfter() throws Exception {
    open(new AsyncStageSettings(false, 3, 100, 100, 1, 0, 0), null);
    add(1);
    harness.processWatermark(new Watermark(10));
    add(2);
    awaitGiven(1, 2);
    assertThat(harness.getOutput()).isEmpty();
    complete(1);
    assertThat(harness.getOutput()).contains(new Watermark(10));
    harness.processWatermark(new Watermark(20));
    assertThat(harness.getOutput()).doesNotContain(new Watermark(20));
    complete(2);
    assertThat(harness.getOutput()).contains(new Watermark(20));
  }

  @Test
  void aWatermarkOvertakesElementsWhereTheFunctionLetsIt() throws Exception {
    open(new AsyncStageSettings(true, 1, 100, Long.MAX_VALUE, 1, 0, 0), null);
    add(1);
    harness.processWatermark(new Watermark(10));
    assertThat(harness.getOutput()).isEmpty();
    overtaken = true;
    harness.processWatermark(new Watermark(20));
    assertThat(harness.getOutput()).containsExactly(new Watermark(20));
    overtaken = false;
    awaitGiven(1);
    complete(1);
    assertThat(harness.getOutput()).as("time never goes back").doesNotContain(new Watermark(10));
    assertThat(harness.extractOutputValues()).containsExactly("1a", "1b");
  }

  @Test
  void theEndOfTimeOvertakesNothing() throws Exception {
    open(new AsyncStageSettings(true, 1, 100, Long.MAX_VALUE, 1, 0, 0), null);
    overtaken = true;
    add(1);
    harness.processWatermark(Watermark.MAX_WATERMARK);
    assertThat(harness.getOutput()).isEmpty();
    awaitGiven(1);
    complete(1);
    assertThat(harness.getOutput()).endsWith(Watermark.MAX_WATERMARK);
  }

  @Test
  void elementsThatHaveNotLeftAreInTheCheckpointAndWorkedOnAgain() throws Exception {
    AsyncStageSettings settings = new AsyncStageSettings(false, 3, 100, 100, 1, 0, 0);
    open(settings, null);
    add(1);
    add(2);
    add(3);
    awaitGiven(1, 2, 3);
    complete(2);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    close();
    forget();

    open(settings, state);
    awaitGiven(1, 3);
    complete(1);
    complete(3);
    assertThat(harness.extractOutputValues()).containsExactly("1a", "1b", "3a", "3b");
  }

  @Test
  void aResultThatWaitsForItsTurnIsStillInTheCheckpoint() throws Exception {
    AsyncStageSettings settings = new AsyncStageSettings(true, 3, 100, Long.MAX_VALUE, 1, 0, 0);
    open(settings, null);
    add(1);
    add(2);
    awaitGiven(1, 2);
    complete(2);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    close();
    forget();

    open(settings, state);
    awaitGiven(1, 2);
  }

  @Test
  void aBarrierWaitsForElementsThatAreAboutToBeDone() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 60_000, 0), null);
    add(-1);
    harness.prepareSnapshotPreBarrier(1);
    assertThat(harness.extractOutputValues()).containsExactly("-1a", "-1b");
  }

  @Test
  void noMoreIsWorkedOnThanTheBoundAllows() throws Exception {
    open(new AsyncStageSettings(false, 3, 1_000, 100, 1, 0, 0), null);
    add(60);
    awaitGiven(60);
    add(61);
    assertThat(GIVEN).isEmpty();
    complete(60);
    awaitGiven(61);
  }

  @Test
  void anElementAboveTheBoundIsWorkedOnAlone() throws Exception {
    open(new AsyncStageSettings(false, 3, 1_000, 100, 1, 0, 0), null);
    add(500);
    awaitGiven(500);
  }

  @Test
  void whatWaitsTogetherIsGivenTogether() throws Exception {
    open(new AsyncStageSettings(false, 1, 1_000, 100, 10, 0, 0), null);
    add(90);
    awaitGiven(90);
    add(30);
    add(33);
    add(36);
    add(39);
    complete(90);
    awaitGiven(30, 33, 36);
    assertThat(GIVEN).isEmpty();
  }

  @Test
  void theEndOfInputWaitsForWhatIsWorkedOn() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 0, 0), null);
    add(-1); // Completes by itself.
    harness.getOneInputOperator().finish();
    assertThat(harness.extractOutputValues()).containsExactly("-1a", "-1b");
  }

  @Test
  void takesNothingInWhileItIsFull() throws Exception {
    open(new AsyncStageSettings(false, 1, 0, 100, 1, 0, 0), null);
    add(-1); // Returns only once its results have left, as nothing may wait.
    assertThat(harness.extractOutputValues()).containsExactly("-1a", "-1b");
  }

  @Test
  void aFullStageLetsATrickleInSoThatABarrierCanCome() throws Exception {
    open(new AsyncStageSettings(false, 1, 20, 1_000, 1, 0, 0), null);
    add(50); // Nobody completes it.
    add(1);
    add(2);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    close();
    forget();

    open(new AsyncStageSettings(false, 1, 1_000, 1_000, 1, 0, 0), state);
    awaitGiven(50, 1, 2);
  }

  @Test
  void aFullStageTakesInAtOnceWhenAnElementIsDone() throws Exception {
    open(new AsyncStageSettings(false, 1, 0, 1_000, 1, 0, 0), null);
    long start = System.nanoTime();
    for (int i = 1; i <= 10; i++) {
      add(-i);
    }
    assertThat(harness.extractOutputValues()).hasSize(20);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isLessThan(Duration.ofMillis(AsyncStageOperator.FULL_WAIT_MILLIS));
  }

  @Test
  void aStageThatFinishesNothingForTooLongFailsItsTask() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 0, 4), null);
    add(1);
    awaitGiven(1);
    AtomicLong now = new AtomicLong();
    assertThatThrownBy(
            () -> {
              while (true) {
                harness.setProcessingTime(now.addAndGet(1_000));
              }
            })
        .hasStackTraceContaining("has 1 elements in it, and has finished none");
  }

  @Test
  void aStageWithoutWorkIsNoStall() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 0, 4), null);
    add(-1);
    runMail();
    long from = System.nanoTime();
    long now = 0;
    while (System.nanoTime() - from < TimeUnit.MILLISECONDS.toNanos(20)) {
      harness.setProcessingTime(now += 1_000);
    }
  }

  @Test
  void settingsUnderWhichItCouldStandStillAreRefused() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 0, 0), null);
    assertThatThrownBy(() -> new AsyncStageSettings(true, 2, 100, 100, 1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void wakesUpThoughItFellIdleBehindAnElement() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 0, 0), null);
    add(1);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    awaitGiven(1);
    complete(1);
    harness.processWatermarkStatus(WatermarkStatus.ACTIVE);
    assertThat(harness.getOutput()).endsWith(WatermarkStatus.IDLE, WatermarkStatus.ACTIVE);
  }

  @Test
  void aWorkersFailureFailsTheTask() throws Exception {
    open(new AsyncStageSettings(false, 1, 100, 100, 1, 0, 0), null);
    add(-13);
    assertThatThrownBy(this::runMail).hasRootCauseMessage("unlucky");
  }

  private void open(AsyncStageSettings settings, OperatorSubtaskState state) throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new AsyncStageOperator<>(new Function(), settings, Types.INT));
    harness.setup();
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
  }

  private void add(int element) throws Exception {
    harness.processElement(new StreamRecord<>(element));
  }

  private static void awaitGiven(Integer... elements) throws InterruptedException {
    for (int i = 0; i < elements.length; i++) {
      StageTask<Integer, String> task = GIVEN.poll(10, TimeUnit.SECONDS);
      assertThat(task).as("given within ten seconds").isNotNull();
      TASKS.put(task.input(), task);
    }
    assertThat(TASKS.keySet()).contains(elements);
  }

  private void complete(int element) throws Exception {
    TASKS.get(element).complete(List.of(element + "a", element + "b"));
    runMail();
  }

  private void runMail() throws Exception {
    harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
  }

  private static final class Function implements AsyncStageFunction<Integer, String> {

    private static final long serialVersionUID = 1L;

    @Override
    public StageWorker<Integer, String> open(MetricGroup metrics) {
      return new Worker();
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
    public boolean mayBeOvertaken() {
      return overtaken;
    }

    @Override
    public int orderingKey(Integer element) {
      return element;
    }
  }

  private static final class Worker implements StageWorker<Integer, String> {

    @Override
    public void process(List<StageTask<Integer, String>> tasks) {
      for (StageTask<Integer, String> task : tasks) {
        if (task.input() == -13) {
          throw new IllegalStateException("unlucky");
        }
        if (task.input() < 0) {
          task.complete(List.of(task.input() + "a", task.input() + "b"));
        } else {
          GIVEN.add(task);
        }
      }
    }

    @Override
    public void close() {}
  }
}
