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
 * Emits the quarantined spans, and removes a trace from quarantine when a checkpoint contains its
 * spans. Spans that are emitted again after a failure are dropped as duplicates: record time does
 * not advance before the adoption is over, so no trace is forgotten before that.
 *
 * <p>Blocks its own thread; only {@link #covered} is for the task's thread.
 */
final class Adoption {

  private final OrphanedBuffer buffer;
  private final Lease lease;
  private final long maxPending;
  private final LongSupplier wallClock;
  private final Output output;

  /** Traces that are in completed checkpoints. */
  private final BlockingQueue<List<OrphanedTrace>> covered = new LinkedBlockingQueue<>();

  /** Traces that were emitted, but not removed yet. */
  private final Set<OrphanedTrace> pending = new HashSet<>();

  private long pendingBytes;

  private boolean checkpointed;

  private AdoptedSpans spans;

  /** Receives spans. Both calls may block. */
  interface Output {
    /** Receives the spans of one subsegment. */
    void emit(List<Span> spans) throws InterruptedException;

    /**
     * Records that all spans of {@code traces} were emitted.
     *
     * @param contents counts of them
     */
    void emitted(List<OrphanedTrace> traces, OrphanedBuffer.Contents contents)
        throws InterruptedException;
  }

  Adoption(
      OrphanedBuffer buffer, Lease lease, long maxPending, LongSupplier wallClock, Output output) {
    this.buffer = buffer;
    this.lease = lease;
    this.maxPending = maxPending;
    this.wallClock = wallClock;
    this.output = output;
  }

  /**
   * Reports a completed checkpoint.
   *
   * @param traces emitted since the checkpoint before
   */
  void covered(List<OrphanedTrace> traces) {
    covered.add(traces);
  }

  /** Returns when the quarantine is empty and a checkpoint has completed. */
  void run() throws InterruptedException {
    spans = new AdoptedSpans(lease.confirm().epoch());
    // A pass may miss keys whose slots are moved during it.
    while (pass()) {
      while (!pending.isEmpty()) {
        remove(covered.take());
      }
    }
    // A failure before the first checkpoint would restart the job without state, and quarantine
    // what it has written.
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
              output.emit(spans.of(trace, segment, subsegment, frames, wallClock.getAsLong()));
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
