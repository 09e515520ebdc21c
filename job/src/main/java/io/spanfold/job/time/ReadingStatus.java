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
 * What the reader of a source subtask tells the clocks behind it: whether silence means that there
 * is nothing to read. It does not while the gate is closed, or a partition's leader is away.
 *
 * <p>The reader and its threads write, others read.
 */
public final class ReadingStatus implements AutoCloseable {

  /** What the gate at the source does. */
  public enum Gate {
    /** Records pass. */
    OPEN,
    /** None do, for lack of memory: the clock is to run, so that memory comes free. */
    CLOSED_UNDER_PRESSURE,
    /** None do, for another reason. */
    CLOSED
  }

  /** For how long a leader's answer is believed: it is asked each second. */
  private static final long BELIEVED_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** A transaction's marker takes an offset, and may be the last thing in a partition. */
  private static final long MARKERS = 1;

  private static final SharedResource<String, ReadingStatus> STATUS = new SharedResource<>();

  private final LongSupplier nanoTime;
  private final Map<Integer, Partition> partitions = new ConcurrentHashMap<>();

  /** Partitions of which no record has come yet. */
  private final Set<Integer> unheard = ConcurrentHashMap.newKeySet();

  private volatile Supplier<Gate> gate = () -> Gate.OPEN;

  /**
   * A partition that is read.
   *
   * @param start the offset that reading began at
   * @param end where its committed records ended when last asked; -1 before
   * @param answeredNanos when that was
   */
  private record Partition(long start, long end, long answeredNanos) {}

  /** Makes a status by itself, with {@code nanoTime} as its clock. */
  public ReadingStatus(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Returns a share in the status of the task whose metrics these are: the same for its reader and
   * its operators.
   */
  public static SharedResource.Share<ReadingStatus> open(MetricGroup metrics) {
    return STATUS.open(task(metrics), () -> new ReadingStatus(System::nanoTime));
  }

  /**
   * Returns the status of a task whose reader is open: for who has no end at which to give a share
   * back.
   */
  public static ReadingStatus of(MetricGroup metrics) {
    return STATUS
        .find(task(metrics))
        .orElseThrow(
            () -> new IllegalStateException("this task has no reader that tells its status"));
  }

  private static String task(MetricGroup metrics) {
    return metrics.getAllVariables().getOrDefault("<task_attempt_id>", "none");
  }

  /** Says that a partition is read from {@code start} on. */
  public void assigned(int partition, long start) {
    unheard.add(partition);
    partitions.put(partition, new Partition(start, -1, 0));
  }

  /** Says where a partition's committed records end, as its leader has just answered. */
  public void answered(int partition, long end) {
    long now = nanoTime.getAsLong();
    partitions.computeIfPresent(partition, (p, was) -> new Partition(was.start, end, now));
  }

  /** Says whom to ask what the gate does. */
  public void gate(Supplier<Gate> now) {
    gate = now;
  }

  /** Returns whether Redis is full, so that time has to go on although nothing is read. */
  public boolean underPressure() {
    return gate.get() == Gate.CLOSED_UNDER_PRESSURE;
  }

  /** Returns whether a record of {@code partition} would come if there was one. */
  public boolean canRead(int partition) {
    Partition known = partitions.get(partition);
    return gate.get() == Gate.OPEN && known != null && isFresh(known);
  }

  /** Returns whether records of all partitions would come. */
  public boolean canReadAll() {
    return gate.get() == Gate.OPEN && partitions.values().stream().allMatch(this::isFresh);
  }

  /** Returns whether there is anything that this task reads. */
  public boolean hasPartitions() {
    return !partitions.isEmpty();
  }

  /** Returns whether a partition has nothing from {@code next} on. */
  public boolean isAtEnd(int partition, long next) {
    Partition known = partitions.get(partition);
    return known != null && isFresh(known) && known.end <= next + MARKERS;
  }

  /** Says that a record of {@code partition} has come. */
  void heard(int partition) {
    unheard.remove(partition);
  }

  /** Returns whether those partitions have nothing of which no record has come yet. */
  public boolean hasNothingNew() {
    return partitions.entrySet().stream()
        .filter(p -> unheard.contains(p.getKey()))
        .allMatch(p -> isAtEnd(p.getKey(), Math.max(0, p.getValue().start)));
  }

  /**
   * Returns the same of those of which it is known where reading began. Of others, as where it is
   * the group's offset, only the consumer knows that.
   */
  public boolean hasNothingKnownToBeNew() {
    return partitions.entrySet().stream()
        .filter(p -> unheard.contains(p.getKey()) && p.getValue().start >= 0)
        .allMatch(p -> isAtEnd(p.getKey(), p.getValue().start));
  }

  private boolean isFresh(Partition known) {
    return known.end >= 0 && nanoTime.getAsLong() - known.answeredNanos < BELIEVED_NANOS;
  }

  @Override
  public void close() {
    // Nothing is held but memory.
  }
}
