package io.spanfold.job.time;

import io.spanfold.core.model.OffsetGap;
import io.spanfold.job.memory.RedisMemoryMonitor;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How far a partition has been read, and how far it goes. The consumer's thread, the thread that
 * asks the leaders and the task's thread report; the task's thread asks for the state.
 */
public final class PartitionProgress {

  /** An offset that is not known yet. */
  static final long UNKNOWN = -1;

  /** How long a leader's answer is valid. It is asked every second. */
  static final long VALID_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final long stop;

  /** The offset of the next record to fetch, behind markers and aborted records. */
  private volatile long position;

  /** The offset of the last record that was fetched. */
  private volatile long fetched = UNKNOWN;

  /** The offset of the last record that was emitted. */
  private long emitted = UNKNOWN;

  /** What the consumer has passed without a record, before records that are not emitted yet. */
  private final Queue<OffsetGap> passed = new ConcurrentLinkedQueue<>();

  /** What is behind by now, and may have been deleted: the next answer decides. */
  private final List<PassedGap> gaps = new ArrayList<>();

  private volatile Answer answer;

  /**
   * A leader's answer.
   *
   * @param start the offset of the first record there is
   * @param stable the end of what is committed
   * @param end the end of what is written
   */
  private record Answer(long start, long stable, long end, long askedNanos, long nanos) {}

  private record PassedGap(OffsetGap gap, long nanos) {}

  /**
   * Makes the progress of a partition of which nothing is read yet.
   *
   * @param position the offset of the first record to read; negative for the first there is
   * @param stop the offset at which a bounded source ends; negative for none
   * @param passed what was passed before a restore and is not decided yet
   */
  PartitionProgress(long position, long stop, List<OffsetGap> passed, long nanos) {
    this.position = position;
    this.stop = stop;
    passed.forEach(gap -> gaps.add(new PassedGap(gap, nanos)));
  }

  /**
   * Reports a poll of the consumer that returned records.
   *
   * @param first the offset of the first one
   * @param last the offset of the last one
   * @param position the consumer's position after it
   */
  public void fetched(long first, long last, long position) {
    if (first > this.position && this.position >= 0) {
      passed.add(new OffsetGap(this.position, first));
    }
    fetched = last;
    this.position = position;
  }

  /** Reports that the consumer has passed markers or aborted records. */
  public void passed(long position) {
    this.position = position;
  }

  /** Reports a record that was emitted. */
  void emitted(long offset, LongSupplier nanoTime) {
    emitted = offset;
    for (OffsetGap gap = passed.peek(); gap != null && gap.to() <= offset; gap = passed.peek()) {
      gaps.add(new PassedGap(passed.remove(), nanoTime.getAsLong()));
    }
  }

  /**
   * Returns where to go on reading after a restore: behind the last record that was emitted, and
   * behind the markers that follow it if no record does.
   *
   * @param next the offset behind the last record that was emitted
   */
  long resumeAt(long next) {
    long reached = position;
    return emitted >= fetched ? Math.max(next, reached) : next;
  }

  /** Returns what was passed and is not decided yet, for a checkpoint. */
  List<OffsetGap> gaps() {
    return gaps.stream().map(PassedGap::gap).toList();
  }

  /** Returns how many offsets were deleted before they were read, as far as it is known by now. */
  long takeDeleted() {
    Answer known = answer;
    if (gaps.isEmpty() || known == null) {
      return 0;
    }
    long deleted = 0;
    // Only a question that was asked after the gap was passed tells why.
    for (Iterator<PassedGap> each = gaps.iterator(); each.hasNext(); ) {
      PassedGap passed = each.next();
      if (passed.nanos - known.askedNanos < 0) {
        deleted += passed.gap.before(known.start);
        each.remove();
      }
    }
    return deleted;
  }

  /**
   * Reports a leader's answer.
   *
   * @param start the offset of the first record there is
   * @param stable the end of what is committed
   * @param end the end of what is written
   * @param askedNanos the time of {@link System#nanoTime} at which it was asked
   * @param nanos the time of {@link System#nanoTime} at which it answered
   */
  public void answered(long start, long stable, long end, long askedNanos, long nanos) {
    answer = new Answer(start, stable, end, askedNanos, nanos);
  }

  /** Returns the state while the gate is in {@code gate}. Only for the task's thread. */
  PartitionState state(RedisMemoryMonitor.State gate, long nanos) {
    // In this order: a fetch in between can only make the end less likely.
    long reached = position;
    boolean isEmitted = emitted >= fetched;
    if (stop >= 0 && reached >= stop && isEmitted) {
      return PartitionState.FINISHED;
    }
    if (gate != RedisMemoryMonitor.State.OPEN) {
      return gate == RedisMemoryMonitor.State.FULL ? PartitionState.PRESSED : PartitionState.PAUSED;
    }
    Answer known = answer;
    if (known == null || nanos - known.nanos >= VALID_NANOS) {
      return PartitionState.UNREACHABLE;
    }
    // Where the first record is asked for, or retention has deleted the next one, reading begins
    // at the first record there is.
    if (!isEmitted || Math.max(reached, known.start) < known.stable) {
      return PartitionState.READING;
    }
    return known.end > Math.max(reached, known.stable)
        ? PartitionState.OPEN_TRANSACTION
        : PartitionState.AT_END;
  }
}
