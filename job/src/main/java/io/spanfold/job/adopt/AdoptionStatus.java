package io.spanfold.job.adopt;

import io.spanfold.job.resource.SharedResource;
import org.apache.flink.metrics.MetricGroup;

/**
 * What the operator that adopts tells the reader and the clock of its task.
 *
 * <p>For use by the task's thread.
 */
public final class AdoptionStatus implements AutoCloseable {

  /** Stands for a time where nothing is adopted. */
  public static final long NEVER = Long.MIN_VALUE;

  private static final SharedResource<String, AdoptionStatus> STATUS = new SharedResource<>();

  private long begunAt = NEVER;
  private boolean isOver;
  private Runnable listener = () -> {};

  AdoptionStatus() {}

  /** Returns a share in the status of the task whose metrics these are. */
  public static SharedResource.Share<AdoptionStatus> open(MetricGroup metrics) {
    String task = metrics.getAllVariables().getOrDefault("<task_attempt_id>", "none");
    return STATUS.open(task, AdoptionStatus::new);
  }

  /** Says that adoption begins, at {@code time} by the wall in milliseconds. */
  public void begin(long time) {
    begunAt = time;
  }

  /** Returns when adoption began, or {@link #NEVER}: about the record time of what is adopted. */
  public long begunAt() {
    return begunAt;
  }

  /** Has {@code whenOver} called when adoption is over; at once where it is. */
  public void listen(Runnable whenOver) {
    listener = whenOver;
    if (isOver) {
      listener.run();
    }
  }

  /** Says that adoption is over. */
  public void over() {
    isOver = true;
    listener.run();
  }

  @Override
  public void close() {
    // Nothing is held but memory.
  }
}
