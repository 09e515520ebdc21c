package io.spanfold.adopt;

import io.spanfold.lease.Lease;
import io.spanfold.model.Span;
import io.spanfold.store.AbandonedBuffer;
import io.spanfold.store.AbandonedSegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.LongSupplier;

/**
 * Emits what was set aside, and removes it once a checkpoint holds it. What is emitted again after
 * a failure is dropped as a duplicate, as the clock does not begin before all is adopted: so
 * nothing is forgotten meanwhile.
 *
 * <p>Runs in a thread of its own, which it blocks; only {@link #covered} is for another.
 */
final class Adoption {

  private final AbandonedBuffer buffer;
  private final Lease lease;
  private final long maxPending;
  private final LongSupplier wall;
  private final Output output;
  private final AdoptedSpans spans = new AdoptedSpans();

  /** What checkpoints have come to hold. */
  private final BlockingQueue<List<AbandonedSegment>> covered = new LinkedBlockingQueue<>();

  /** What was emitted, and is not removed yet. */
  private final Set<AbandonedSegment> pending = new HashSet<>();

  private long pendingBytes;

  private boolean checkpointed;

  /** Where spans go. Both calls may block. */
  interface Output {
    /** Takes spans of one subsegment. */
    void emit(List<Span> spans) throws InterruptedException;

    /**
     * Notes that all spans of {@code segments} were emitted.
     *
     * @param lost of how many of their subsegments Redis has no payload
     */
    void emitted(List<AbandonedSegment> segments, int lost) throws InterruptedException;
  }

  Adoption(AbandonedBuffer buffer, Lease lease, long maxPending, LongSupplier wall, Output output) {
    this.buffer = buffer;
    this.lease = lease;
    this.maxPending = maxPending;
    this.wall = wall;
    this.output = output;
  }

  /**
   * Says that a checkpoint is complete, by which state holds {@code segments}.
   *
   * @param segments those that were emitted since the checkpoint before
   */
  void covered(List<AbandonedSegment> segments) {
    covered.add(segments);
  }

  /** Returns when nothing is left, and a checkpoint tells that the job has begun. */
  void run() throws InterruptedException {
    // A pass may miss what is moved between nodes meanwhile.
    while (pass()) {
      while (!pending.isEmpty()) {
        remove(covered.take());
      }
    }
    // Before it, a failure would have all begin anew, with what was written since.
    while (!checkpointed) {
      remove(covered.take());
    }
  }

  /** Returns whether anything was found. */
  private boolean pass() throws InterruptedException {
    boolean found = false;
    AbandonedBuffer.Pages pages = buffer.pages();
    for (List<AbandonedSegment> page = pages.next(); page != null; page = pages.next()) {
      List<AbandonedSegment> fresh = new ArrayList<>(page);
      fresh.removeAll(pending);
      if (!fresh.isEmpty()) {
        found = true;
        adopt(fresh);
      }
      for (List<AbandonedSegment> done = covered.poll(); done != null; done = covered.poll()) {
        remove(done);
      }
      while (pendingBytes > maxPending) {
        remove(covered.take());
      }
    }
    return found;
  }

  private void adopt(List<AbandonedSegment> segments) throws InterruptedException {
    lease.confirm();
    int lost =
        buffer.read(
            segments,
            (segment, subsegment, frames) -> {
              pendingBytes += frames.length;
              output.emit(spans.of(segment, subsegment, frames, wall.getAsLong()));
            });
    pending.addAll(segments);
    output.emitted(List.copyOf(segments), lost);
  }

  private void remove(List<AbandonedSegment> segments) throws InterruptedException {
    checkpointed = true;
    if (segments.isEmpty()) {
      return;
    }
    lease.confirm();
    lease.check(buffer.leaseEpoch());
    buffer.remove(segments);
    segments.forEach(pending::remove);
    if (pending.isEmpty()) {
      pendingBytes = 0;
    }
  }
}
