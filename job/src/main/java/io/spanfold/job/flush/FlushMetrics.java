package io.spanfold.job.flush;

import io.spanfold.buffer.lease.LockState;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Outcome;
import java.time.Clock;
import java.util.Collections;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The metrics of one worker's flushes, for that worker's thread. */
final class FlushMetrics {

  private static final Logger LOG = LoggerFactory.getLogger(FlushMetrics.class);

  private final Counter lockTakeOvers;
  private final Counter locksRefused;
  private final Counter locksWithoutRoom;
  private final Counter parts;
  private final Counter spans;
  private final Counter rereadSubsegments;
  private final Counter rereadSpans;
  private final Counter lost;
  private final Counter tooLarge;
  private final Clock wallClock;
  private volatile long lastFlushAt;

  FlushMetrics(MetricGroup metrics, Clock wallClock) {
    lockTakeOvers = metrics.counter("lockTakeOvers");
    locksRefused = metrics.counter("locksRefused");
    locksWithoutRoom = metrics.counter("locksWithoutRoom");
    parts = metrics.counter("partsFlushed");
    spans = metrics.counter("spansFlushed");
    rereadSubsegments = metrics.counter("rereadSubsegments");
    rereadSpans = metrics.counter("rereadSpans");
    lost = metrics.counter("spansLost");
    tooLarge = metrics.counter("spansTooLarge");
    this.wallClock = wallClock;
    metrics.gauge("lastFlushAt", () -> lastFlushAt);
  }

  void locked(List<LockState> states) {
    lockTakeOvers.inc(Collections.frequency(states, LockState.TAKEN_OVER));
    locksRefused.inc(Collections.frequency(states, LockState.REFUSED));
    locksWithoutRoom.inc(Collections.frequency(states, LockState.NO_ROOM));
  }

  void flushed(LoadedPart loaded, FlushedPart flushed) {
    parts.inc();
    spans.inc(flushed.receipt().spanIds().length);
    for (LoadedSlice slice : loaded.slices()) {
      if (slice.recoveredSpans() > 0) {
        rereadSubsegments.inc();
        rereadSpans.inc(slice.recoveredSpans());
      }
    }
    lost.inc(quantity(flushed, Outcome.Reason.PAYLOAD_LOST));
    long unfit = quantity(flushed, Outcome.Reason.TOO_LARGE);
    if (unfit > 0) {
      tooLarge.inc(unfit);
      LOG.warn(
          "{} spans of trace {} fitted into a message when they were read, and do not fit into {}"
              + " bytes: flush.chunk-bytes, or max.message.bytes of sink.topic, was lowered. They"
              + " become outcomes.",
          unfit,
          loaded.due().trace(),
          flushed.receipt().chunkBytes());
    }
    lastFlushAt = wallClock.millis();
  }

  private static long quantity(FlushedPart flushed, Outcome.Reason reason) {
    long spans = 0;
    for (Outcome outcome : flushed.outcomes()) {
      spans += outcome.reason() == reason ? outcome.quantity() : 0;
    }
    return spans;
  }
}
