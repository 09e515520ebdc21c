package io.spanfold.job.adopt;

import io.spanfold.job.resource.SharedResource;
import io.spanfold.job.resource.TaskAttempt;
import org.apache.flink.metrics.MetricGroup;

/**
 * The state of the adoption, for the source reader and the source's clock in the same task. For use
 * by the task's thread.
 */
public final class AdoptionStatus implements AutoCloseable {

  /** The time of an adoption that has not begun. */
  public static final long NEVER = Long.MIN_VALUE;

  private static final SharedResource<String, AdoptionStatus> STATUS = new SharedResource<>();

  private long begunAt = NEVER;
  private boolean isOver;
  private Runnable listener = () -> {};

  AdoptionStatus() {}

  /** Returns a share of the status of the task that {@code metrics} belong to. */
  public static SharedResource.Share<AdoptionStatus> open(MetricGroup metrics) {
    return STATUS.open(TaskAttempt.id(metrics), AdoptionStatus::new);
  }

  /** Reports the begin of the adoption, at {@code time} of the wall clock in milliseconds. */
  public void begin(long time) {
    begunAt = time;
  }

  /** Returns when the adoption began, or {@link #NEVER}: about the record time of adopted spans. */
  public long begunAt() {
    return begunAt;
  }

  /** Calls {@code whenOver} when the adoption is over; at once if it is. */
  public void listen(Runnable whenOver) {
    listener = whenOver;
    if (isOver) {
      listener.run();
    }
  }

  /** Reports the end of the adoption. */
  public void over() {
    isOver = true;
    listener.run();
  }

  @Override
  public void close() {
    // Holds only memory.
  }
}
