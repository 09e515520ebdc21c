package io.spanfold.job.async;

import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/** A place in the order in which things came into the stage. Used by the task's thread only. */
sealed interface QueueEntry<IN, OUT> {

  /** An element, its results once there are any, and whether they have left. */
  final class Element<IN, OUT> implements QueueEntry<IN, OUT> {
    final IN input;
    final long waitingCost;
    final long activeCost;
    List<OUT> results;
    boolean left;

    Element(IN input, long waitingCost, long activeCost) {
      this.input = input;
      this.waitingCost = waitingCost;
      this.activeCost = activeCost;
    }
  }

  /** A watermark that must not overtake the elements before it. */
  record Mark<IN, OUT>(Watermark watermark) implements QueueEntry<IN, OUT> {}

  /** A change between idle and active that must not overtake them either. */
  record Status<IN, OUT>(WatermarkStatus status) implements QueueEntry<IN, OUT> {}
}
