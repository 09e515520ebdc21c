package io.spanfold.job.adopt;

import io.spanfold.buffer.orphan.OrphanedBuffer;
import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.core.model.Span;
import io.spanfold.job.lease.Lease;
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

  private final OrphanedBuffer buffer;
  private final Lease lease;
  private final long maxPending;
  private final LongSupplier wall;
  private final Output output;

  /** What checkpoints have come to hold. */
  private final BlockingQueue<List<OrphanedTrace>> covered = new LinkedBlockingQueue<>();

  /** What was emitted, and is not removed yet. */
  private final Set<OrphanedTrace> pending = new HashSet<>();

  private long pendingBytes;

  private boolean checkpointed;

  private AdoptedSpans spans;

  /** Where spans go. Both calls may block. */
  interface Output {
    /** Takes spans of one subsegment. */
    void emit(List<Span> spans) throws InterruptedException;

    /**
     * Notes that all spans of {@code traces} were emitted.
     *
     * @param contents how much that was
     */
    void emitted(List<OrphanedTrace> traces, OrphanedBuffer.Contents contents)
        throws InterruptedException;
  }

  Adoption(OrphanedBuffer buffer, Lease lease, long maxPending, LongSupplier wall, Output output) {
    this.buffer = buffer;
    this.lease = lease;
    this.maxPending = maxPending;
    this.wall = wall;
    this.output = output;
  }

  /**
   * Says that a checkpoint is complete, by which state holds {@code traces}.
   *
   * @param traces those that were emitted since the checkpoint before
   */
  void covered(List<OrphanedTrace> traces) {
    covered.add(traces);
  }

  /** Returns when nothing is left, and a checkpoint tells that the job has begun. */
  void run() throws InterruptedException {
    spans = new AdoptedSpans(lease.confirm().epoch());
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
    OrphanedBuffer.Pages pages = buffer.pages();
    for (List<OrphanedTrace> page = pages.next(); page != null; page = pages.next()) {
      List<OrphanedTrace> fresh = new ArrayList<>(page);
      fresh.removeAll(pending);
      if (!fresh.isEmpty()) {
        found = true;
        adopt(fresh);
      }
      for (List<OrphanedTrace> done = covered.poll(); done != null; done = covered.poll()) {
        remove(done);
      }
      while (pendingBytes > maxPending) {
        remove(covered.take());
      }
    }
    return found;
  }

  private void adopt(List<OrphanedTrace> traces) throws InterruptedException {
    lease.confirm();
    OrphanedBuffer.Contents contents =
        buffer.read(
            traces,
            (trace, segment, subsegment, frames) -> {
              pendingBytes += frames.length;
              output.emit(spans.of(trace, segment, subsegment, frames, wall.getAsLong()));
            });
    pending.addAll(traces);
    output.emitted(List.copyOf(traces), contents);
  }

  private void remove(List<OrphanedTrace> traces) throws InterruptedException {
    checkpointed = true;
    if (traces.isEmpty()) {
      return;
    }
    lease.confirm();
    lease.check(buffer.leaseEpoch());
    buffer.remove(traces);
    traces.forEach(pending::remove);
    if (pending.isEmpty()) {
      pendingBytes = 0;
    }
  }
}
