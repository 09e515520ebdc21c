package io.spanfold.job.adopt;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.orphan.OrphanedBuffer;
import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.core.model.Span;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.resource.SharedResource;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Emits the spans that a lost job left in Redis, then lets the source start. Forwards the spans of
 * the source.
 *
 * <p>If the job starts without state, the operator quarantines all traces of the index when it
 * opens, before anything is written and before any checkpoint. A restored job quarantines nothing
 * and adopts only what is still in quarantine. So the operator needs no state, and a savepoint can
 * be restored with and without it.
 *
 * <p>Only subtask 0 adopts; its spans are distributed by trace like all others.
 */
public final class AdoptOperator extends AbstractStreamOperator<Span>
    implements OneInputStreamOperator<Span, Span> {

  private static final long serialVersionUID = 1L;

  /** Subsegments that may wait in the mailbox. Few, so that barriers pass. */
  private static final int WAITING = 2;

  private static final long END_MILLIS = 30_000;

  /**
   * Bytes that are in Redis twice during an adoption: few compared with the usual size of Redis.
   */
  private static final long BYTES_PER_CHECKPOINT = 256L * 1024 * 1024;

  private final StoreSettings store;
  private final LeaseSettings leaseSettings;

  private transient MailboxExecutor mailbox;
  private transient boolean restored;
  private transient SharedResource.Share<AdoptionStatus> status;
  private transient Lease lease;
  private transient OrphanedBuffer buffer;
  private transient Adoption adoption;
  private transient Thread thread;

  private transient List<OrphanedTrace> emitted;
  private transient NavigableMap<Long, List<OrphanedTrace>> emittedBefore;
  private transient Counter segments;
  private transient Counter spans;
  private transient Counter lostSubsegments;

  public AdoptOperator(StoreSettings store, LeaseSettings lease) {
    this.store = store;
    this.leaseSettings = lease;
  }

  @Override
  public void setMailboxExecutor(MailboxExecutor executor) {
    super.setMailboxExecutor(executor);
    mailbox = executor;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    restored = context.isRestored();
  }

  @Override
  public void open() throws Exception {
    super.open();
    emitted = new ArrayList<>();
    emittedBefore = new TreeMap<>();
    status = AdoptionStatus.open(getMetricGroup());
    status.get().begin(getProcessingTimeService().getCurrentProcessingTime());
    if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() != 0) {
      return;
    }
    segments = getMetricGroup().counter("adoptedSegments");
    spans = getMetricGroup().counter("adoptedSpans");
    lostSubsegments = getMetricGroup().counter("adoptedSubsegmentsLost");
    lease = Lease.open(leaseSettings, getMetricGroup());
    lease.confirm();
    buffer = OrphanedBuffer.connect(store);
    if (restored) {
      LOG.warn(
          "The job is restored, so it adopts only what it quarantined when it started without state."
              + " Remove --adopt when the adoption is over.");
    } else {
      LOG.info("Quarantined {} traces in Redis; they will be adopted.", buffer.quarantine());
    }
    adoption =
        new Adoption(
            buffer,
            lease,
            BYTES_PER_CHECKPOINT,
            () -> getProcessingTimeService().getCurrentProcessingTime(),
            new Mails());
    thread = new Thread(this::adopt, getOperatorName());
    thread.setDaemon(true);
    thread.start();
  }

  /** Runs in the thread of the adoption. */
  private void adopt() {
    try {
      adoption.run();
      mailbox.execute(this::end, "end %s", getOperatorName());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Throwable e) {
      report(e);
    }
  }

  private void report(Throwable cause) {
    try {
      mailbox.execute(
          () -> {
            throw new IllegalStateException(
                getOperatorName() + " failed: " + cause.getMessage(), cause);
          },
          "fail %s",
          getOperatorName());
    } catch (RejectedExecutionException e) {
      // The thread failed because the task is being closed.
      LOG.debug("{} ends with its task", getOperatorName(), cause);
    }
  }

  private void end() {
    adoption = null;
    LOG.info(
        "Adopted {} spans of {} segments; {} subsegments had no payload in Redis.",
        spans.getCount(),
        segments.getCount(),
        lostSubsegments.getCount());
    status.get().over();
  }

  /** Passes spans from the thread of the adoption to the task. */
  private final class Mails implements Adoption.Output {
    private final Semaphore waiting = new Semaphore(WAITING);

    @Override
    public void emit(List<Span> of) throws InterruptedException {
      waiting.acquire();
      mailbox.execute(
          () -> {
            for (Span span : of) {
              output.collect(new StreamRecord<>(span, span.timestamp()));
            }
            spans.inc(of.size());
            waiting.release();
          },
          "emit adopted spans");
    }

    @Override
    public void emitted(List<OrphanedTrace> all, OrphanedBuffer.Contents contents) {
      mailbox.execute(
          () -> {
            emitted.addAll(all);
            segments.inc(contents.segments());
            lostSubsegments.inc(contents.lostSubsegments());
          },
          "record adopted traces");
    }
  }

  @Override
  public void processElement(StreamRecord<Span> element) {
    output.collect(element);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    emittedBefore.put(context.getCheckpointId(), emitted);
    emitted = new ArrayList<>();
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    NavigableMap<Long, List<OrphanedTrace>> complete = emittedBefore.headMap(checkpointId, true);
    if (adoption != null) {
      complete.values().forEach(adoption::covered);
    }
    complete.clear();
  }

  @Override
  public void close() throws Exception {
    if (thread != null) {
      thread.interrupt();
      thread.join(END_MILLIS);
    }
    try (OrphanedBuffer first = buffer;
        Lease second = lease;
        SharedResource.Share<AdoptionStatus> third = status) {
      super.close();
    }
  }
}
