package io.spanfold.job.time;

import io.spanfold.core.model.ClockSnapshot;
import io.spanfold.core.model.OffsetGap;
import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.gate.RedisGate;
import io.spanfold.job.resource.SharedResource;
import io.spanfold.job.resource.TaskAttempt;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.clock.Clock;
import org.apache.flink.util.clock.RelativeClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The clock of a source subtask: the lowest of its partitions' clocks. The rule is that of
 * docs/time.md.
 *
 * <p>The reader, the watermark generators and the timestamp assigner of a subtask share it. All of
 * them run in the task's thread; {@link #progress} may be called by any thread.
 */
public final class SourceClock implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(SourceClock.class);

  /** The time of a clock that has none. */
  public static final long NONE = PartitionClock.NONE;

  /** The shortest time between two reports: each takes a message to the job manager and back. */
  private static final long REPORT_MILLIS = 1_000;

  private static final SharedResource<String, SourceClock> CLOCKS = new SharedResource<>();

  private final ClockSettings settings;
  private final Clock wallClock;
  private final LongSupplier nanoTime;
  private final long reportMillis;

  private final Map<Integer, PartitionClock> clocks = new HashMap<>();
  private final Map<Integer, PartitionProgress> progress = new ConcurrentHashMap<>();

  private final Map<Integer, Counter> skipped = new HashMap<>();

  private Supplier<RedisGate.State> gate = () -> RedisGate.State.OPEN;
  private LongSupplier adoption = () -> AdoptionStatus.NEVER;
  private LongConsumer reporter = time -> {};
  private MetricGroup metrics;
  private RelativeClock activity;

  private long activeAt;
  private long wallAt;
  private long reportedAt;

  private long front = NONE;
  private boolean answered;
  private long time = NONE;
  private boolean idle;
  private boolean isPressed;

  /** The partition of the latest call: most records come in runs of one partition. */
  private int partition = -1;

  private PartitionClock current;
  private PartitionProgress currentProgress;

  SourceClock(ClockSettings settings, Clock wallClock, LongSupplier nanoTime) {
    this.settings = settings;
    this.wallClock = wallClock;
    this.nanoTime = nanoTime;
    reportMillis = Math.max(REPORT_MILLIS, settings.maxLag().toMillis() / 10);
    activity = wallClock;
    activeAt = activity.relativeTimeMillis();
    wallAt = wallClock.relativeTimeMillis();
    reportedAt = wallAt - REPORT_MILLIS;
  }

  /** Returns a reference to the clock of a task, which is made if there is none. */
  public static SharedResource.Share<SourceClock> open(
      MetricGroup task, ClockSettings settings, Clock wallClock) {
    return CLOCKS.open(
        TaskAttempt.id(task), () -> new SourceClock(settings, wallClock, System::nanoTime));
  }

  /** Returns the clock of a task whose reader is open, for callers that are never closed. */
  public static SourceClock of(MetricGroup task) {
    return find(task).orElseThrow(() -> new IllegalStateException("no reader is open"));
  }

  /** Returns the clock of a task while its reader is open. */
  public static Optional<SourceClock> find(MetricGroup task) {
    return find(TaskAttempt.id(task));
  }

  /** Returns the clock of a task, by {@link TaskAttempt#id}, while its reader is open. */
  public static Optional<SourceClock> find(String task) {
    return CLOCKS.find(task);
  }

  /**
   * Connects the clock to what it depends on.
   *
   * @param gate the state of the gate at the source
   * @param adoption when the adoption began, or {@link AdoptionStatus#NEVER}
   * @param reporter sends this subtask's highest clock to the source's coordinator
   * @param metrics the source's metric group
   */
  public void connect(
      Supplier<RedisGate.State> gate,
      LongSupplier adoption,
      LongConsumer reporter,
      MetricGroup metrics) {
    this.gate = gate;
    this.adoption = adoption;
    this.reporter = reporter;
    this.metrics = metrics;
  }

  /** Sets the clock that stands while the task is blocked by its output. */
  void activity(RelativeClock clock) {
    // The first is the subtask's own; later ones end with their partition.
    if (activity == wallClock) {
      activity = clock;
      activeAt = clock.relativeTimeMillis();
    }
  }

  /**
   * Reports that a partition is read from now on.
   *
   * @param start the offset of the first record to read; negative for the first there is
   * @param stop the offset at which a bounded source ends; negative for none
   * @param restored its clock at the checkpoint that the job continues from
   * @param passed what was passed before that checkpoint and may have been deleted
   */
  public void assigned(
      int partition,
      long start,
      long stop,
      Optional<ClockSnapshot> restored,
      List<OffsetGap> passed) {
    PartitionClock clock = new PartitionClock(settings, restored, wallClock.absoluteTimeMillis());
    clocks.put(partition, clock);
    progress.put(partition, new PartitionProgress(start, stop, passed, nanoTime.getAsLong()));
    this.partition = -1;
    MetricGroup group = metrics.addGroup("partition", Integer.toString(partition));
    group.gauge("clockLagMillis", () -> clock.lag(front));
    group.gauge("silentMillis", clock::silent);
    skipped.put(partition, group.counter("offsetsSkipped"));
  }

  /** Returns a partition's progress; null if this subtask does not read it. */
  public PartitionProgress progress(int partition) {
    return progress.get(partition);
  }

  /** Returns the clock of a partition for a checkpoint. */
  public Optional<ClockSnapshot> snapshot(int partition) {
    return clocks.get(partition).snapshot(wallClock.absoluteTimeMillis());
  }

  /** Returns whether it is known of all that was passed whether it was deleted. */
  public boolean isDecided() {
    return progress.values().stream().allMatch(PartitionProgress::isDecided);
  }

  /**
   * Returns where to go on reading a partition after a restore.
   *
   * @param next the offset behind the last record that was emitted
   */
  public long resumeAt(int partition, long next) {
    return progress.get(partition).resumeAt(next);
  }

  /** Returns what a partition has passed and what is not decided yet, for a checkpoint. */
  public List<OffsetGap> gaps(int partition) {
    return progress.get(partition).gaps();
  }

  /**
   * Returns how many offsets of each partition were deleted before they were read, since the last
   * call. The caller reports them before the next checkpoint.
   */
  public Map<Integer, Long> takeDeleted() {
    Map<Integer, Long> deleted = new TreeMap<>();
    progress.forEach(
        (number, partition) -> {
          long count = partition.takeDeleted();
          if (count > 0) {
            deleted.put(number, count);
            skipped.get(number).inc(count);
            LOG.error(
                "{} offsets of partition {} of the source were deleted before they were read. Their"
                    + " spans are lost; raise the topic's retention above the longest stop of the job.",
                count,
                number);
          }
        });
    return deleted;
  }

  /**
   * Reports the coordinator's answer.
   *
   * @param front the highest clock of all partitions; {@link Long#MIN_VALUE} if none has one
   */
  public void front(long front) {
    answered = true;
    this.front = Math.max(this.front, front);
  }

  /** Returns the record time of a record with this Kafka timestamp. */
  long timeOf(int partition, long timestamp) {
    long known = front == NONE ? highest() : front;
    return at(partition).timeOf(timestamp, known, wallClock.absoluteTimeMillis());
  }

  /** Reports that a record was emitted. */
  void emitted(int partition, long offset, long time) {
    at(partition).read(time);
    currentProgress.emitted(offset);
  }

  private PartitionClock at(int wanted) {
    if (partition != wanted) {
      current = clocks.get(wanted);
      currentProgress = progress.get(wanted);
      partition = wanted;
    }
    return current;
  }

  /**
   * Advances all clocks to now, and emits the subtask's time. The reader calls it before the first
   * record, so that late spans are compared with a restored clock; then the generators do.
   */
  public void emit(WatermarkOutput output) {
    advance();
    combine();
    if (idle) {
      output.markIdle();
      return;
    }
    // By itself a watermark that is not higher makes no output active.
    output.markActive();
    if (time != NONE) {
      output.emitWatermark(new Watermark(time));
    }
  }

  private void advance() {
    long activeNow = activity.relativeTimeMillis();
    long wallNow = wallClock.relativeTimeMillis();
    long active = activeNow - activeAt;
    long wall = wallNow - wallAt;
    if (wall <= 0) {
      return;
    }
    activeAt = activeNow;
    wallAt = wallNow;
    RedisGate.State gateNow = gate.get();
    long nanos = nanoTime.getAsLong();
    clocks.forEach(
        (number, clock) -> {
          boolean wasGivenUp = clock.isGivenUp();
          boolean wasLagging = clock.isLagging(front);
          clock.advance(
              progress.get(number).state(gateNow, nanos),
              active,
              wall,
              front,
              wallClock.absoluteTimeMillis());
          report(number, clock, wasGivenUp, wasLagging);
        });
    startAfterAdoption();
    isPressed = gateNow == RedisGate.State.FULL;
    if (isPressed && clocks.values().stream().noneMatch(PartitionClock::takesPart)) {
      // All of them are read to their ends or given up; what is buffered must become due all the
      // same.
      time = time == NONE ? highest() : time + wall;
    }
    if (wallNow - reportedAt >= (answered ? reportMillis : REPORT_MILLIS)) {
      reportedAt = wallNow;
      reporter.accept(highest());
    }
  }

  private void report(int number, PartitionClock clock, boolean wasGivenUp, boolean wasLagging) {
    if (clock.isGivenUp() && !wasGivenUp) {
      LOG.warn(
          "Partition {} of the source has not been read for {} ms ({}). The others no longer wait"
              + " for it (source.max-silence).",
          number,
          clock.silent(),
          clock.state());
    } else if (!clock.isGivenUp() && wasGivenUp) {
      LOG.info("Partition {} of the source is read again.", number);
    }
    if (clock.isLagging(front) && !wasLagging) {
      LOG.warn(
          "The records of partition {} of the source are {} ms behind those of the others, which"
              + " wait for {} ms at most (source.max-lag). Check the clock of its producer.",
          number,
          clock.lag(front),
          settings.maxLag().toMillis());
    }
  }

  /**
   * Without any record, nothing would ever make the adopted spans due. All of them are in state by
   * now, because partitions are read only after the adoption.
   */
  private void startAfterAdoption() {
    Collection<PartitionClock> all = clocks.values();
    if (adoption.getAsLong() != AdoptionStatus.NEVER
        && time == NONE
        && all.stream()
            .allMatch(
                clock ->
                    clock.time() == NONE
                        && (clock.isCertain() || clock.state() == PartitionState.PRESSED))) {
      all.forEach(clock -> clock.start(adoption.getAsLong()));
    }
  }

  private void combine() {
    // A subtask without partitions may still get one while the coordinator has not answered.
    idle = answered && !(isPressed && time != NONE);
    long lowest = Long.MAX_VALUE;
    for (PartitionClock clock : clocks.values()) {
      if (clock.takesPart()) {
        idle = false;
        lowest = Math.min(lowest, clock.time());
      }
    }
    if (lowest != Long.MAX_VALUE) {
      time = Math.max(time, lowest);
    }
  }

  private long highest() {
    return clocks.values().stream().mapToLong(PartitionClock::time).max().orElse(NONE);
  }

  @Override
  public void close() {
    // Holds only memory.
  }
}
