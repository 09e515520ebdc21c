package io.spanfold.job.time;

import io.spanfold.core.model.OffsetGap;
import io.spanfold.job.gate.RedisGate;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

/**
 * How far a partition has been read, and how far it goes. The consumer's thread, the thread that
 * asks the leaders and the task's thread report; the task's thread asks for the state.
 */
public final class PartitionProgress {

  /** The offset of a record before the first one. */
  static final long UNKNOWN = -1;

  /** How long a leader's answer is valid. It is asked every second. */
  static final long VALID_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final long stop;

  /** The offset of the next record to fetch, behind markers and aborted records. */
  private volatile long position;

  /** The offset of the last record that was fetched. */
  private volatile long fetched;

  /** The offset of the last record that was emitted. */
  private long emitted;

  /** What the consumer has passed without a record, in the order of offsets. */
  private final Queue<PassedGap> passed = new ConcurrentLinkedQueue<>();

  private volatile Answer answer;

  /**
   * A leader's answer.
   *
   * @param start the offset of the first record there is
   * @param stable the end of what is committed
   * @param end the end of what is written
   */
  private record Answer(long start, long stable, long end, long askedNanos) {}

  private record PassedGap(OffsetGap gap, long nanos) {}

  /**
   * Makes the progress of a partition of which nothing is read yet.
   *
   * @param position the offset of the first record to read; negative for the first there is
   * @param stop the offset at which a bounded source ends; negative for none
   * @param gaps what was passed before a restore and is not decided yet
   */
  PartitionProgress(long position, long stop, List<OffsetGap> gaps, long nanos) {
    this.position = position;
    this.stop = stop;
    // What is before the position was emitted before a restore, if ever.
    emitted = Math.max(UNKNOWN, position - 1);
    fetched = emitted;
    gaps.forEach(gap -> passed.add(new PassedGap(gap, nanos)));
  }

  /**
   * Reports a poll of the consumer.
   *
   * @param records the offsets of the records that it returned, in their order
   * @param position the consumer's position after it
   * @param nanos the time of {@link System#nanoTime}
   */
  public void fetched(LongStream records, long position, long nanos) {
    // What follows the end of a bounded source is fetched, but never emitted.
    long[] offsets = (stop < 0 ? records : records.takeWhile(offset -> offset < stop)).toArray();
    long reached = stop < 0 ? position : Math.min(position, stop);
    long first = offsets.length > 0 ? offsets[0] : reached;
    if (first > this.position && this.position >= 0) {
      passed.add(new PassedGap(new OffsetGap(this.position, first), nanos));
    }
    if (offsets.length > 0) {
      fetched = offsets[offsets.length - 1];
    }
    this.position = reached;
  }

  /** Reports a record that was emitted. */
  void emitted(long offset) {
    emitted = offset;
  }

  /**
   * Returns where to go on reading after a restore: behind the last record that was emitted, and
   * behind what follows it without a record and was not deleted.
   *
   * @param next the offset behind the last record that was emitted
   */
  long resumeAt(long next) {
    long reached = position;
    return emitted >= fetched && passed.isEmpty() ? Math.max(next, reached) : next;
  }

  /** Returns what was passed before the last emitted record and is not decided yet. */
  List<OffsetGap> gaps() {
    return passed.stream().map(PassedGap::gap).filter(gap -> gap.to() <= emitted).toList();
  }

  /** Returns whether it is known of all that was passed whether it was deleted. */
  boolean isDecided() {
    return passed.isEmpty();
  }

  /** Returns how many offsets were deleted before they were read, as far as it is known by now. */
  long takeDeleted() {
    Answer known = answer;
    // A gap in front of a record that is not emitted yet is found again after a restore.
    boolean areAllEmitted = emitted >= fetched;
    long deleted = 0;
    for (PassedGap next = passed.peek();
        next != null && isDecided(next, known) && (areAllEmitted || next.gap.to() <= emitted);
        next = passed.peek()) {
      deleted += passed.remove().gap.before(known.start);
    }
    return deleted;
  }

  /** Only a question that was asked after the gap was passed tells why. */
  private static boolean isDecided(PassedGap passed, Answer known) {
    return known != null && passed.nanos - known.askedNanos < 0;
  }

  /**
   * Reports a leader's answer.
   *
   * @param start the offset of the first record there is
   * @param stable the end of what is committed
   * @param end the end of what is written
   * @param askedNanos the time of {@link System#nanoTime} at which it was asked
   */
  public synchronized void answered(long start, long stable, long end, long askedNanos) {
    Answer known = answer;
    // Questions overlap, and a slow answer may come after that to a later question.
    if (known == null || askedNanos - known.askedNanos > 0) {
      answer = new Answer(start, stable, end, askedNanos);
    }
  }

  /** Returns the state while the gate is in {@code gate}. Only for the task's thread. */
  PartitionState state(RedisGate.State gate, long nanos) {
    // In this order: a fetch in between can only make the end less likely.
    long reached = position;
    boolean isEmitted = emitted >= fetched;
    if (stop >= 0 && reached >= stop && isEmitted) {
      return PartitionState.FINISHED;
    }
    if (gate != RedisGate.State.OPEN) {
      return gate == RedisGate.State.FULL ? PartitionState.PRESSED : PartitionState.PAUSED;
    }
    Answer known = answer;
    if (known == null || nanos - known.askedNanos >= VALID_NANOS) {
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
