package io.spanfold.job.async;

import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/** An entry of the stage's queue, which is in the order of the input. */
sealed interface QueueEntry<IN, OUT> {

  /** An element. Only the input and the costs may be used outside of the Flink task's thread. */
  final class Element<IN, OUT> implements QueueEntry<IN, OUT>, AsyncStageFunction.Task<IN, OUT> {
    final long waitingCost;
    final int activeCost;

    /** Null until the task's thread has taken over the results. */
    List<OUT> results;

    boolean emitted;

    private volatile IN input;
    private final Consumer<Element<IN, OUT>> completion;

    /** Written before the element is handed over, and not looked at before. */
    private List<OUT> completed;

    /**
     * @param completion called by the thread that completes the element
     */
    Element(IN input, long waitingCost, int activeCost, Consumer<Element<IN, OUT>> completion) {
      this.input = input;
      this.waitingCost = waitingCost;
      this.activeCost = activeCost;
      this.completion = completion;
    }

    @Override
    public IN input() {
      return input;
    }

    @Override
    public void replace(IN same) {
      input = same;
    }

    @Override
    public void complete(List<OUT> all) {
      completed = all;
      completion.accept(this);
    }

    /** Takes over the results of an element that was handed over. */
    void takeResults() {
      results = completed;
      completed = null;
    }
  }

  /** A watermark that must not overtake the elements before it. */
  record Mark<IN, OUT>(Watermark watermark) implements QueueEntry<IN, OUT> {}

  /** A change between idle and active that must not overtake them either. */
  record Status<IN, OUT>(WatermarkStatus status) implements QueueEntry<IN, OUT> {}
}
