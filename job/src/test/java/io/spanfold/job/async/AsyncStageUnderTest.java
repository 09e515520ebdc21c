package io.spanfold.job.async;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.embedded.Await;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * A stage whose elements are numbers, and cost their absolute value. The worker completes negative
 * ones, and fails with -13; the test completes the others.
 */
abstract class AsyncStageUnderTest {

  /** The elements that the workers received; the test completes them. */
  static final BlockingQueue<AsyncStageFunction.Task<Integer, String>> PROCESSED =
      new LinkedBlockingQueue<>();

  static final Map<Integer, AsyncStageFunction.Task<Integer, String>> TASKS =
      new ConcurrentHashMap<>();

  static final List<String> EVENTS = new CopyOnWriteArrayList<>();

  static final AtomicBoolean WAITING = new AtomicBoolean();

  static boolean overtaken;

  OneInputStreamOperatorTestHarness<Integer, String> harness;

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

  void open(AsyncStageSettings settings, OperatorSubtaskState state) throws Exception {
    harness = newHarness(settings);
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
  }

  static OneInputStreamOperatorTestHarness<Integer, String> newHarness(AsyncStageSettings settings)
      throws Exception {
    OneInputStreamOperatorTestHarness<Integer, String> harness =
        new OneInputStreamOperatorTestHarness<>(
            new AsyncStageOperator<>(new Function(), settings, Types.INT));
    harness.setup();
    return harness;
  }

  void add(int element) throws Exception {
    harness.processElement(new StreamRecord<>(element));
  }

  static void awaitProcessed(Integer... elements) throws InterruptedException {
    for (int i = 0; i < elements.length; i++) {
      AsyncStageFunction.Task<Integer, String> task = PROCESSED.poll(10, TimeUnit.SECONDS);
      assertThat(task).as("processed within ten seconds").isNotNull();
      TASKS.put(task.input(), task);
    }
    assertThat(TASKS.keySet()).contains(elements);
  }

  static void awaitBlockedWorkers(int count) throws InterruptedException {
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

  void complete(int element) throws Exception {
    TASKS.get(element).complete(List.of(element + "a", element + "b"));
    runMail();
  }

  void runMail() throws Exception {
    harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
  }

  static final class Function implements AsyncStageFunction<Integer, String>, CheckpointedFunction {

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
