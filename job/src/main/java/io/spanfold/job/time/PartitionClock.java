package io.spanfold.job.time;

import io.spanfold.core.model.ClockSnapshot;
import java.time.Duration;
import java.util.Optional;

/**
 * The clock of one partition: the record time up to which it has been read. The rule is that of
 * docs/time.md. All times are milliseconds. Not safe for concurrent use.
 */
final class PartitionClock {

  /** The time of a clock that has none yet. */
  static final long NONE = Long.MIN_VALUE;

  /** How long a partition is at its end before its clock advances. */
  static final long GRACE = 3_000;

  /** After so long at its end there is no backlog, whatever happened before. */
  static final long CERTAIN = 30_000;

  /** A task that was not active for longer did not look. */
  static final long STALL = 2_000;

  /** How far ahead of the wall clock a record may be. */
  static final long MAX_AHEAD = 60_000;

  /** An earlier timestamp is none, or in seconds instead of milliseconds. */
  static final long FIRST_TIME = Duration.ofDays(365).toMillis();

  private final long maxLag;
  private final long maxSilence;
  private final boolean bounded;

  private long time = NONE;
  private long latest = NONE;

  /** How long it stood since the last record, other than the grace; the job's downtime included. */
  private long behind;

  private boolean recordCame;

  /** Whether there were records, and none of them had a time: the clock has none either. */
  private boolean isUntimed;

  /** How long the partition was at its end while that was so. */
  private long untimed;

  private PartitionState state = PartitionState.UNREACHABLE;

  /** How long the partition has been at its end without a record. */
  private long quiet;

  /** How long it could not be read since the last record, at most {@link #CERTAIN}. */
  private long outage;

  /** How long there was no record although there may be some. */
  private long silent;

  /**
   * @param restored the clock at the checkpoint that the job continues from
   * @param now the wall clock
   */
  PartitionClock(ClockSettings settings, Optional<ClockSnapshot> restored, long now) {
    maxLag = settings.maxLag().toMillis();
    maxSilence = settings.maxSilence().toMillis();
    bounded = settings.bounded();
    restored.ifPresent(
        clock -> {
          time = clock.time();
          latest = clock.latestRecord();
          isUntimed = latest == NONE;
          behind = Math.max(0, now - clock.wallClock());
          silent = clock.silent();
        });
  }

  /** Starts a clock that has no time yet. */
  void start(long at) {
    time = at;
    behind = 0;
  }

  /** Reports the record that {@link #timeOf} was asked for last, with its record time. */
  void read(long timestamp) {
    recordCame = true;
    if (!isUntimed) {
      latest = Math.max(latest, timestamp);
    }
  }

  /**
   * Advances the clock.
   *
   * @param now the partition's state
   * @param active how much time has passed in which the task was not blocked
   * @param wall how much time has passed
   * @param front the highest clock of all partitions; {@link #NONE} if it is unknown
   * @param wallClock the wall clock, which records may be ahead of but a clock is not
   */
  void advance(PartitionState now, long active, long wall, long front, long wallClock) {
    if (state == PartitionState.UNREACHABLE && now == PartitionState.READING) {
      // It is known again what it holds: a backlog, for which the others wait.
      silent = 0;
    }
    state = now;
    boolean came = recordCame;
    recordCame = false;
    if (came) {
      quiet = 0;
      outage = 0;
      // Records without a time do not tell how long the others would have to wait.
      silent = isUntimed ? silent : 0;
      behind = 0;
      follow(wallClock);
    }
    switch (state) {
      case READING -> {
        stand(came ? 0 : active);
        silent += came && !isUntimed ? 0 : active;
      }
      case AT_END -> {
        silent = 0;
        startWithoutTimes(came ? active : 0, front, wallClock);
        atEnd(came ? 0 : active, front, wallClock);
      }
      case OPEN_TRANSACTION -> {
        boolean hasWaited = isGivenUp();
        silent += came ? 0 : wall;
        if (hasWaited) {
          atEnd(active, front, wallClock);
        } else {
          outage(came ? 0 : wall);
        }
      }
      case UNREACHABLE -> {
        silent += came ? 0 : wall;
        outage(came ? 0 : wall);
      }
      // Without Redis nothing can be flushed, so nobody gains by not waiting. Producers do not
      // notice, so nothing of them is late afterwards.
      case PAUSED -> stand(came ? 0 : wall);
      case PRESSED -> {
        quiet = 0;
        if (time != NONE) {
          time += wall;
        } else if (isUntimed) {
          // What is buffered must become due, or Redis stays full.
          startAt(front, wallClock);
        }
      }
      case FINISHED -> {}
    }
  }

  /** Follows the latest record, if there was any. */
  private void follow(long wallClock) {
    if (latest != NONE) {
      // A watermark excludes further records of its own time, and more of that time may come.
      time = Math.max(time, Math.min(latest - 1, wallClock));
    }
  }

  /** If no record has a time, the front or the wall clock is all there is; not for a backlog. */
  private void startWithoutTimes(long active, long front, long wallClock) {
    if (time != NONE || !isUntimed || bounded) {
      return;
    }
    untimed += active;
    if (untimed >= CERTAIN) {
      startAt(front, wallClock);
    }
  }

  private void startAt(long front, long wallClock) {
    start(front == NONE ? wallClock : front);
    latest = time;
    isUntimed = false;
  }

  private void stand(long passed) {
    quiet = 0;
    behind += passed;
  }

  private void outage(long passed) {
    stand(passed);
    outage = Math.min(outage + passed, CERTAIN);
  }

  private void atEnd(long active, long front, long wallClock) {
    if (active > STALL) {
      outage(active);
      return;
    }
    quiet += active;
    if (time == NONE) {
      startWithoutTimes(active, front, wallClock);
      return;
    }
    if (bounded) {
      return;
    }
    // What was read between the last watermark and the checkpoint is not read again.
    follow(wallClock);
    long due = Math.max(0, Math.min(active, quiet - GRACE));
    long advanced = Math.max(0, Math.min(due, quiet - GRACE - outage));
    time += advanced;
    behind += due - advanced;
    if (isCertain()) {
      time += behind;
      behind = 0;
    }
    if (front != NONE && time < front - maxLag) {
      behind = Math.max(0, behind - (front - maxLag - time));
      time = front - maxLag;
    }
  }

  /** Returns whether nothing has come for so long that there is no backlog. */
  boolean isCertain() {
    return quiet >= CERTAIN;
  }

  PartitionState state() {
    return state;
  }

  /** Returns whether the job's time depends on this clock. Without a time it holds the others. */
  boolean takesPart() {
    return switch (state) {
      case FINISHED -> false;
      case PRESSED -> time != NONE && !isGivenUp();
      case AT_END -> time != NONE || quiet < GRACE + outage;
      case OPEN_TRANSACTION -> time != NONE || !isGivenUp();
      case READING, UNREACHABLE, PAUSED -> !isGivenUp();
    };
  }

  long time() {
    return time;
  }

  /**
   * Returns the record time of a record.
   *
   * @param timestamp its Kafka timestamp
   * @param front the highest clock of all partitions; {@link #NONE} if it is unknown
   * @param now the wall clock
   */
  long timeOf(long timestamp, long front, long now) {
    if (timestamp < FIRST_TIME) {
      // Only at the end is what comes next as new as a clock that has advanced.
      long reached = state == PartitionState.AT_END ? Math.max(time, latest) : latest;
      isUntimed = reached == NONE;
      return !isUntimed ? reached : front == NONE ? now : front;
    }
    isUntimed = false;
    return Math.min(timestamp, now + MAX_AHEAD);
  }

  /** Returns how far the latest record is behind {@code front}. */
  long lag(long front) {
    return latest == NONE || front == NONE ? 0 : Math.max(0, front - latest);
  }

  boolean isLagging(long front) {
    return lag(front) > maxLag && state == PartitionState.AT_END;
  }

  /** Returns how long it has been unknown what the partition holds. */
  long silent() {
    return silent;
  }

  /** Returns whether the others have waited for this partition for long enough. */
  boolean isGivenUp() {
    return silent >= maxSilence;
  }

  /** Returns the clock for a checkpoint that is taken at {@code now}; empty without a record. */
  Optional<ClockSnapshot> snapshot(long now) {
    long reached = time == NONE ? latest : time;
    return reached == NONE && !isUntimed
        ? Optional.empty()
        : Optional.of(new ClockSnapshot(reached, Math.max(latest, reached), now - behind, silent));
  }
}
