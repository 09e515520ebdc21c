package io.spanfold.job.time;

import io.spanfold.job.resource.SharedResource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.flink.metrics.MetricGroup;

/**
 * Reports from the reader of a source subtask to the clocks downstream whether silence means that
 * there is nothing to read. It does not while the gate is closed or a partition's leader does not
 * answer.
 *
 * <p>Thread-safe. The reader and its threads write, others read.
 */
public final class ReadingStatus implements AutoCloseable {

  /** The state of the gate at the source. */
  public enum Gate {
    OPEN,
    /** Redis has no memory: time must advance, so that flushes free some. */
    CLOSED_UNDER_PRESSURE,
    /** Nothing is read for another reason. */
    CLOSED
  }

  /** How long a leader's answer is valid. It is asked every second. */
  private static final long VALID_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** The marker of a transaction takes an offset, and may be the last one of a partition. */
  private static final long MARKERS = 1;

  private static final SharedResource<String, ReadingStatus> STATUS = new SharedResource<>();

  private final LongSupplier nanoTime;
  private final Map<Integer, Partition> partitions = new ConcurrentHashMap<>();

  /** Partitions from which no record has come yet. */
  private final Set<Integer> withoutRecord = ConcurrentHashMap.newKeySet();

  private volatile Supplier<Gate> gate = () -> Gate.OPEN;

  /**
   * A partition that is read.
   *
   * @param start the offset of the first record to read
   * @param end the end offset of committed records when the leader last answered; -1 before
   * @param answeredNanos when the leader last answered
   */
  private record Partition(long start, long end, long answeredNanos) {}

  /** Makes a status that is not shared. */
  public ReadingStatus(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Returns a reference to the status of a task, which its reader and operators share. */
  public static SharedResource.Share<ReadingStatus> open(MetricGroup metrics) {
    return STATUS.open(task(metrics), () -> new ReadingStatus(System::nanoTime));
  }

  /** Returns the status of a task whose reader is open, for callers that are never closed. */
  public static ReadingStatus of(MetricGroup metrics) {
    return STATUS
        .find(task(metrics))
        .orElseThrow(() -> new IllegalStateException("this task has no open reader"));
  }

  private static String task(MetricGroup metrics) {
    return metrics.getAllVariables().getOrDefault("<task_attempt_id>", "none");
  }

  /** Reports that a partition is read from {@code start} on. */
  public void assigned(int partition, long start) {
    withoutRecord.add(partition);
    partitions.put(partition, new Partition(start, -1, 0));
  }

  /** Reports the end offset of a partition's committed records, as its leader just answered. */
  public void answered(int partition, long end) {
    long now = nanoTime.getAsLong();
    partitions.computeIfPresent(partition, (p, was) -> new Partition(was.start, end, now));
  }

  /** Sets where to get the state of the gate. */
  public void gate(Supplier<Gate> now) {
    gate = now;
  }

  /** Returns whether Redis is full, so that time must advance although nothing is read. */
  public boolean underPressure() {
    return gate.get() == Gate.CLOSED_UNDER_PRESSURE;
  }

  /** Returns whether a record of {@code partition} would arrive if there was one. */
  public boolean canRead(int partition) {
    Partition known = partitions.get(partition);
    return gate.get() == Gate.OPEN && known != null && isFresh(known);
  }

  /** Returns whether records of all partitions would arrive. */
  public boolean canReadAll() {
    return gate.get() == Gate.OPEN && partitions.values().stream().allMatch(this::isFresh);
  }

  public boolean hasPartitions() {
    return !partitions.isEmpty();
  }

  /** Returns whether a partition has no records from {@code next} on. */
  public boolean isAtEnd(int partition, long next) {
    Partition known = partitions.get(partition);
    return known != null && isFresh(known) && known.end <= next + MARKERS;
  }

  /** Reports that a record of {@code partition} has come. */
  void recordCame(int partition) {
    withoutRecord.remove(partition);
  }

  /** Returns whether the partitions from which no record has come yet have none. */
  public boolean hasNothingNew() {
    return partitions.entrySet().stream()
        .filter(p -> withoutRecord.contains(p.getKey()))
        .allMatch(p -> isAtEnd(p.getKey(), Math.max(0, p.getValue().start)));
  }

  /**
   * Like {@link #hasNothingNew}, but only for partitions whose first offset is known. If reading
   * starts at the group's offset, only the consumer knows it.
   */
  public boolean hasNothingKnownToBeNew() {
    return partitions.entrySet().stream()
        .filter(p -> withoutRecord.contains(p.getKey()) && p.getValue().start >= 0)
        .allMatch(p -> isAtEnd(p.getKey(), p.getValue().start));
  }

  private boolean isFresh(Partition known) {
    return known.end >= 0 && nanoTime.getAsLong() - known.answeredNanos < VALID_NANOS;
  }

  @Override
  public void close() {
    // There is only memory to release.
  }
}
